"""Validate the CHECK on the tenants' organisation, in a transaction of its own.

It reads the table and blocks no request. Every row fulfils the CHECK: until `plain_organization` the value was
generated, and since then new values are checked.
"""

from alembic import op

revision = "validate_organization"
down_revision = "plain_organization"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Validate it. FORCE does not hide rows from the validation."""
    op.execute("ALTER TABLE tenancy.tenants VALIDATE CONSTRAINT tenants_organization_follows_from_the_parent")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'validate_organization', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'plain_organization'
        UNION ALL
        VALUES ('validate_organization', 'plain_organization')
    """)


def downgrade() -> None:
    """Leave it not validated again."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'validate_organization'")
    op.execute("ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_organization_follows_from_the_parent")
    op.execute("""
        ALTER TABLE tenancy.tenants
        ADD CONSTRAINT tenants_organization_follows_from_the_parent
        CHECK (organization_id = coalesce(parent_tenant_id, tenant_id)) NOT VALID
    """)
