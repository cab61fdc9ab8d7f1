"""Create the context of a transaction: a token, presented once and verified by the database at every statement.

`app.current_tenant` does not name a tenant, it proves one: its value is the caller's token. Any role
may set it to any value; without a valid token it has no access. Without a value, or with an empty one, no row is
visible; a value that is not a valid token is an error 28000, so that a revoked caller gets an error, not an empty list.

The functions are STABLE and called as `(SELECT f())`, so the planner runs each once per statement, never once per row.
plpgsql, because it keeps its plans for the session; functions in SQL are planned anew in every call on PostgreSQL 17.
"""

from alembic import op

revision = "create_sign_in"
down_revision = "create_access_tokens"
branch_labels = None
depends_on = None

CONTEXT_FUNCTIONS = (
    "current_tenant_id()",
    "current_organization_id()",
    "first_tenant_id_in_reach()",
    "last_tenant_id_in_reach()",
    "is_platform_operator()",
    "first_organization_id_in_reach()",
)


def upgrade() -> None:
    """The one reader of the variable, `sign_in`, and what the policies ask."""
    op.execute("""
        CREATE FUNCTION tenancy_private.current_access_token() RETURNS tenancy_private.access_tokens
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            presented    text := current_setting('app.current_tenant', true);
            access_token tenancy_private.access_tokens;
        BEGIN
            IF presented IS NULL OR presented = '' THEN
                RETURN NULL;
            END IF;

            -- An older snapshot would not show that the token has been revoked since.
            IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
                RAISE EXCEPTION 'an access token counts in READ COMMITTED transactions only'
                USING ERRCODE = 'invalid_transaction_state';
            END IF;

            SELECT token.*
            INTO access_token
            FROM tenancy_private.access_tokens AS token
            WHERE token.token_hash = sha256(convert_to(presented, 'UTF8'))
              AND token.revoked_at IS NULL
              AND token.expires_at > clock_timestamp();

            IF NOT FOUND THEN
                RAISE EXCEPTION 'the access token is not valid'
                USING ERRCODE = 'invalid_authorization_specification';
            END IF;
            RETURN access_token;
        END
        $$
    """)

    op.execute("""
        CREATE FUNCTION tenancy.sign_in(
            token               text,
            request_id          text DEFAULT NULL,
            OUT tenant_id       uuid,
            OUT organization_id uuid,
            OUT caller_role     text
        )
        LANGUAGE plpgsql
        VOLATILE
        PARALLEL UNSAFE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens;
        BEGIN
            PERFORM set_config('app.current_tenant', coalesce(token, ''), true);
            PERFORM set_config('app.request_id', coalesce(request_id, ''), true);
            access_token := tenancy_private.current_access_token();

            IF access_token.token_hash IS NULL THEN
                RAISE EXCEPTION 'the access token is not valid'
                USING ERRCODE = 'invalid_authorization_specification';
            END IF;

            tenant_id := access_token.tenant_id;
            organization_id := access_token.organization_id;
            caller_role := CASE
                WHEN access_token.role = 'platform_operator' THEN 'platform_operator'
                WHEN access_token.tenant_id = access_token.organization_id THEN 'parent'
                ELSE 'subsidiary'
            END;
        END
        $$
    """)

    op.execute("""
        CREATE FUNCTION tenancy.current_tenant_id() RETURNS uuid
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            RETURN access_token.tenant_id;
        END
        $$
    """)

    op.execute("""
        CREATE FUNCTION tenancy.current_organization_id() RETURNS uuid
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            RETURN access_token.organization_id;
        END
        $$
    """)

    # The reach of a parent is its whole organisation, the reach of a subsidiary is itself. No other role has a reach.
    op.execute("""
        CREATE FUNCTION tenancy.first_tenant_id_in_reach() RETURNS uuid
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            IF access_token.tenant_id = access_token.organization_id THEN
                RETURN '00000000-0000-0000-0000-000000000000';
            END IF;
            RETURN access_token.tenant_id;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy.last_tenant_id_in_reach() RETURNS uuid
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            IF access_token.tenant_id = access_token.organization_id THEN
                RETURN 'ffffffff-ffff-ffff-ffff-ffffffffffff';
            END IF;
            RETURN access_token.tenant_id;
        END
        $$
    """)

    op.execute("""
        CREATE FUNCTION tenancy.is_platform_operator() RETURNS boolean
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            RETURN coalesce(access_token.role = 'platform_operator', false);
        END
        $$
    """)

    # A platform operator's reach, as an interval of the key too: it begins at the nil UUID, which is no organisation's.
    op.execute("""
        CREATE FUNCTION tenancy.first_organization_id_in_reach() RETURNS uuid
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            IF access_token.role = 'platform_operator' THEN
                RETURN '00000000-0000-0000-0000-000000000000';
            END IF;
            RETURN NULL;
        END
        $$
    """)
    op.execute("""
        GRANT EXECUTE ON FUNCTION tenancy.sign_in(text, text)
        TO tenancy_api, tenancy_operator
    """)
    for function in CONTEXT_FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{function} TO tenancy_api, tenancy_platform")


def downgrade() -> None:
    """Drop the context: no caller can sign in without it."""
    for function in reversed(CONTEXT_FUNCTIONS):
        op.execute(f"DROP FUNCTION tenancy.{function}")
    op.execute("DROP FUNCTION tenancy.sign_in(text, text)")
    op.execute("DROP FUNCTION tenancy_private.current_access_token()")
