"""Create the accounts: each belongs to a tenant, is deleted with it, and is never overdrawn.

In a fork this is a file in migrations/versions, with `down_revision` naming the newest migration.
"""

from alembic import op

revision = "create_accounts"
down_revision = None


def upgrade() -> None:
    """Create the table, then its policies and grants."""
    op.execute("""
        CREATE TABLE tenancy.accounts (
            organization_id uuid   NOT NULL,
            tenant_id       uuid   NOT NULL,
            account_id      uuid   NOT NULL DEFAULT tenancy.uuid_v7(),
            name            text   NOT NULL,
            balance         bigint NOT NULL DEFAULT 0,

            CONSTRAINT accounts_pkey
                PRIMARY KEY (organization_id, tenant_id, account_id),
            CONSTRAINT accounts_tenant_fkey
                FOREIGN KEY (organization_id, tenant_id)
                REFERENCES tenancy.tenants (organization_id, tenant_id)
                ON DELETE CASCADE,
            CONSTRAINT accounts_never_overdrawn
                CHECK (balance >= 0),
            CONSTRAINT accounts_name_length
                CHECK (char_length(name) BETWEEN 1 AND 200)
        )
    """)
    op.execute("CALL tenancy.protect_tenant_table('tenancy.accounts', ARRAY['name'], ARRAY['balance'])")


def downgrade() -> None:
    """Drop the accounts and all their data."""
    op.execute("DROP TABLE tenancy.accounts")
