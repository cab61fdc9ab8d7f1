"""Create the two schemas, and give PUBLIC nothing in them.

`tenancy` is what the service's role may address; `tenancy_private` is what only functions of the owner reach.
By default PostgreSQL lets every role execute a new function and use a new type. The default is changed here, before the
first one is created.
"""

from alembic import op

revision = "create_schemas"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two schemas, and defaults that grant nothing."""
    op.execute("""
        ALTER DEFAULT PRIVILEGES
        REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC
    """)
    op.execute("""
        ALTER DEFAULT PRIVILEGES
        REVOKE USAGE ON TYPES FROM PUBLIC
    """)
    op.execute("CREATE SCHEMA tenancy")
    op.execute("CREATE SCHEMA tenancy_private")
    op.execute("GRANT USAGE ON SCHEMA tenancy TO tenancy_api, tenancy_platform, tenancy_operator")

    # The service compares its schema with its code at start-up and in /health.
    op.execute("GRANT SELECT ON public.alembic_version TO tenancy_api")


def downgrade() -> None:
    """Back to an empty database with PostgreSQL's own defaults."""
    op.execute("REVOKE SELECT ON public.alembic_version FROM tenancy_api")
    op.execute("DROP SCHEMA tenancy_private")
    op.execute("DROP SCHEMA tenancy")
    op.execute("""
        ALTER DEFAULT PRIVILEGES
        GRANT USAGE ON TYPES TO PUBLIC
    """)
    op.execute("""
        ALTER DEFAULT PRIVILEGES
        GRANT EXECUTE ON FUNCTIONS TO PUBLIC
    """)
