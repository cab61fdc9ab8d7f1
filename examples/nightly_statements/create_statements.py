"""Create the statements: how many changes each tenant had on a day.

In a fork this is a file in migrations/versions, with `down_revision` naming the newest migration.
"""

from alembic import op

revision = "create_statements"
down_revision = None


def upgrade() -> None:
    """Create the table, then its policies and grants. The key makes a repeated job harmless."""
    op.execute("""
        CREATE TABLE tenancy.statements (
            organization_id uuid   NOT NULL,
            tenant_id       uuid   NOT NULL,
            day             date   NOT NULL,
            changes         bigint NOT NULL,

            CONSTRAINT statements_pkey
                PRIMARY KEY (organization_id, tenant_id, day),
            CONSTRAINT statements_tenant_fkey
                FOREIGN KEY (organization_id, tenant_id)
                REFERENCES tenancy.tenants (organization_id, tenant_id)
                ON DELETE CASCADE
        )
    """)
    op.execute("CALL tenancy.protect_tenant_table('tenancy.statements', ARRAY['day', 'changes'], '{}')")


def downgrade() -> None:
    """Drop the statements and all their data."""
    op.execute("DROP TABLE tenancy.statements")
