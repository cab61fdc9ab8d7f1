"""Let a schema declare which earlier versions of the service may go on serving on it.

A version is known by the newest migration that it was made with. It serves on the schema of that migration, and on a
newer one only where a row here names both: the newer schema's migration knows the older version, never the other way
round. Without a row no earlier version serves: a migration that declares nothing is taken as incompatible.
"""

from alembic import op

revision = "declare_compatible_versions"
down_revision = "remember_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, beside Alembic's own. It is empty: earlier versions do not ask it."""
    op.execute("""
        CREATE TABLE public.compatible_revisions (
            schema_revision  text NOT NULL,
            -- The newest migration of the version that may serve on it.
            service_revision text NOT NULL,

            CONSTRAINT compatible_revisions_pkey
                PRIMARY KEY (schema_revision, service_revision)
        )
    """)
    op.execute("REVOKE USAGE ON TYPE public.compatible_revisions FROM PUBLIC")
    op.execute("GRANT SELECT ON public.compatible_revisions TO tenancy_api")


def downgrade() -> None:
    """Drop the table: each version then serves on its own schema alone."""
    op.execute("DROP TABLE public.compatible_revisions")
