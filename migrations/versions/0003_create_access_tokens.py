"""Create the access tokens: who a caller is, proved by a secret that is stored nowhere.

Only SHA-256 hashes are kept, of random tokens of 256 bits, so there is no key to steal, and a stolen backup opens
nothing. A token carries its tenant's organisation, so signing in reads one row by one index. Tokens of a deleted tenant
go with it.
"""

from alembic import op

revision = "create_access_tokens"
down_revision = "create_tenants"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create a table that only its owner reaches, by grants and by policy."""
    op.execute("CREATE TYPE tenancy_private.token_role AS ENUM ('tenant', 'platform_operator')")
    op.execute("""
        CREATE TABLE tenancy_private.access_tokens (
            token_hash      bytea                      NOT NULL,
            token_id        uuid                       NOT NULL DEFAULT tenancy.uuid_v7(),
            role            tenancy_private.token_role NOT NULL,
            organization_id uuid,
            tenant_id       uuid,
            label           text                       NOT NULL,
            created_at      timestamptz                NOT NULL DEFAULT now(),
            expires_at      timestamptz                NOT NULL,
            revoked_at      timestamptz,

            CONSTRAINT access_tokens_pkey
                PRIMARY KEY (token_hash),
            CONSTRAINT access_tokens_token_id_unique
                UNIQUE (token_id),
            CONSTRAINT access_tokens_tenant_fkey
                FOREIGN KEY (organization_id, tenant_id)
                REFERENCES tenancy.tenants (organization_id, tenant_id)
                ON DELETE CASCADE,

            CONSTRAINT access_tokens_hash_is_sha256
                CHECK (octet_length(token_hash) = 32),
            CONSTRAINT access_tokens_role_says_whether_there_is_a_tenant
                CHECK (
                    (role = 'tenant') = (tenant_id IS NOT NULL)
                    AND (role = 'tenant') = (organization_id IS NOT NULL)
                ),
            CONSTRAINT access_tokens_label_length
                CHECK (char_length(label) BETWEEN 1 AND 200),
            CONSTRAINT access_tokens_expire_after_they_begin
                CHECK (expires_at > created_at)
        )
    """)
    op.execute("CREATE INDEX access_tokens_tenant ON tenancy_private.access_tokens (organization_id, tenant_id)")

    op.execute("REVOKE USAGE ON TYPE tenancy_private.access_tokens FROM PUBLIC")

    # Should a grant ever slip in here, the policies still show its holder nothing.
    op.execute("ALTER TABLE tenancy_private.access_tokens ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy_private.access_tokens FORCE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY only_the_owner_reaches_tokens ON tenancy_private.access_tokens
        FOR ALL TO tenancy_owner
        USING (true)
        WITH CHECK (true)
    """)


def downgrade() -> None:
    """Drop all tokens: every caller needs a new one after the next upgrade."""
    op.execute("DROP TABLE tenancy_private.access_tokens")
    op.execute("DROP TYPE tenancy_private.token_role")
