"""Create the token administration: what the role tenancy_operator may do with access tokens.

The operator's program makes the random token and hands over its SHA-256 hash, so the secret itself never travels to
the database when it is issued. Nothing here returns a hash. A platform operator's token has a function of its own, so
that a forgotten tenant id can never become one.
"""

from alembic import op

revision = "create_token_administration"
down_revision = "isolate_tenants"
branch_labels = None
depends_on = None

FUNCTIONS = (
    "issue_tenant_token(bytea, uuid, uuid, text, interval)",
    "issue_platform_operator_token(bytea, text, interval)",
    "list_tokens()",
    "revoke_token(uuid)",
)


def upgrade() -> None:
    """Issue, list, revoke."""
    op.execute("""
        CREATE TYPE tenancy.issued_token AS (
            token_id        uuid,
            role            text,
            organization_id uuid,
            tenant_id       uuid,
            label           text,
            created_at      timestamptz,
            expires_at      timestamptz,
            revoked_at      timestamptz
        )
    """)
    op.execute("""
        CREATE FUNCTION tenancy.issue_tenant_token(
            token_hash      bytea,
            organization_id uuid,
            tenant_id       uuid,
            label           text,
            lifetime        interval
        ) RETURNS tenancy.issued_token
        LANGUAGE sql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            INSERT INTO tenancy_private.access_tokens AS token
                (token_hash, role, organization_id, tenant_id, label, expires_at)
            VALUES
                ($1, 'tenant', $2, $3, $4, now() + $5)
            RETURNING token.token_id, token.role::text, token.organization_id, token.tenant_id, token.label,
                      token.created_at, token.expires_at, token.revoked_at;
        END
    """)
    op.execute("""
        CREATE FUNCTION tenancy.issue_platform_operator_token(
            token_hash bytea,
            label      text,
            lifetime   interval
        ) RETURNS tenancy.issued_token
        LANGUAGE sql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            INSERT INTO tenancy_private.access_tokens AS token
                (token_hash, role, label, expires_at)
            VALUES
                ($1, 'platform_operator', $2, now() + $3)
            RETURNING token.token_id, token.role::text, token.organization_id, token.tenant_id, token.label,
                      token.created_at, token.expires_at, token.revoked_at;
        END
    """)
    op.execute("""
        CREATE FUNCTION tenancy.list_tokens() RETURNS SETOF tenancy.issued_token
        LANGUAGE sql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            SELECT token.token_id, token.role::text, token.organization_id, token.tenant_id, token.label,
                   token.created_at, token.expires_at, token.revoked_at
            FROM tenancy_private.access_tokens AS token
            ORDER BY token.token_id;
        END
    """)
    op.execute("""
        CREATE FUNCTION tenancy.revoke_token(token_id uuid) RETURNS boolean
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            UPDATE tenancy_private.access_tokens AS token
            SET revoked_at = clock_timestamp()
            WHERE token.token_id = revoke_token.token_id
              AND token.revoked_at IS NULL;
            RETURN FOUND;
        END
        $$
    """)
    for function in FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{function} TO tenancy_operator")


def downgrade() -> None:
    """Drop the administration; issued tokens stay valid."""
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION tenancy.{function}")
    op.execute("DROP TYPE tenancy.issued_token")
