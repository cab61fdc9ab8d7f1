"""Issue tokens with or without the right to write, rotate them, list and revoke those of a tenant.

Each list is read backwards along an index that ends with the token's id, so a page costs the same among a million
tokens. The former functions stay: the versions of the command line that may run on this schema call them.
"""

from alembic import op

revision = "administer_tokens"
down_revision = "view_tokens"
branch_labels = None
depends_on = None

INDEXES = {
    "access_tokens_operator_token_id": "(operator_token_id)",
    "access_tokens_organization": "(organization_id, token_id)",
    "access_tokens_tenant_token": "(organization_id, tenant_id, token_id)",
}
CONSTRAINT = "access_tokens_operator_has_a_label_and_is_no_tenant"
CONDITION = """
    (operator_token_id IS NULL) = (operator_label IS NULL)
    AND (operator_token_id IS NULL OR role = 'tenant')
"""
FORMER_INDEX = "access_tokens_tenant"

FUNCTIONS = {
    "issue_tenant_token(bytea, uuid, uuid, text, interval, boolean)": "Issues a token of a tenant.",
    "issue_platform_operator_token(bytea, text, interval, boolean)": "Issues a token that reaches every tenant.",
    "rotate_token(uuid, bytea, interval, interval)": (
        "Issues a successor of a valid token, which then ends after the grace period; NULL for any other token."
    ),
    "list_tokens(uuid, uuid, boolean, integer, uuid)": (
        "Lists the newest tokens, of one organisation or tenant, before an id; NULL for no limit."
    ),
    "revoke_tokens(uuid, uuid)": "Revokes the valid tokens of a tenant, or without one of the whole organisation.",
}


def upgrade() -> None:
    """Make the indexes, without blocking, and the functions."""
    with op.get_context().autocommit_block():
        # Waits for older transactions, and nothing waits for it. What a failed attempt left is made anew.
        op.execute("SET lock_timeout = 0")
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS tenancy_private.{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON tenancy_private.access_tokens {definition}")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS tenancy_private.{FORMER_INDEX}")
        op.execute("SET lock_timeout = '5s'")
    op.execute(f"ALTER TABLE tenancy_private.access_tokens VALIDATE CONSTRAINT {CONSTRAINT}")
    _create_issue()
    _create_rotate()
    _create_list()
    _create_revoke()
    for function, comment in FUNCTIONS.items():
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{function} TO tenancy_operator")
        op.execute(f"COMMENT ON FUNCTION tenancy.{function} IS '{comment}'")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'administer_tokens', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'view_tokens'
        UNION ALL
        VALUES ('administer_tokens', 'view_tokens')
    """)


def downgrade() -> None:
    """Drop the functions, put the former index back, and leave the constraint not validated again."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'administer_tokens'")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION tenancy.{function}")
    op.execute(f"CREATE INDEX {FORMER_INDEX} ON tenancy_private.access_tokens (organization_id, tenant_id)")
    for name in INDEXES:
        op.execute(f"DROP INDEX tenancy_private.{name}")
    op.execute(f"ALTER TABLE tenancy_private.access_tokens DROP CONSTRAINT {CONSTRAINT}")
    op.execute(f"ALTER TABLE tenancy_private.access_tokens ADD CONSTRAINT {CONSTRAINT} CHECK ({CONDITION}) NOT VALID")


def _create_issue() -> None:
    op.execute("""
        CREATE FUNCTION tenancy.issue_tenant_token(
            token_hash      bytea,
            organization_id uuid,
            tenant_id       uuid,
            label           text,
            lifetime        interval,
            may_write       boolean
        ) RETURNS tenancy.token_record
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            issued tenancy_private.access_tokens;
        BEGIN
            PERFORM tenancy_private.forget_the_expired(10);
            INSERT INTO tenancy_private.access_tokens AS token
                (token_hash, role, organization_id, tenant_id, label, expires_at, may_write)
            VALUES
                ($1, 'tenant', $2, $3, $4, now() + $5, $6)
            RETURNING token.* INTO issued;
            RETURN tenancy_private.as_record(issued);
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy.issue_platform_operator_token(
            token_hash bytea,
            label      text,
            lifetime   interval,
            may_write  boolean
        ) RETURNS tenancy.token_record
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            issued tenancy_private.access_tokens;
        BEGIN
            PERFORM tenancy_private.forget_the_expired(10);
            INSERT INTO tenancy_private.access_tokens AS token
                (token_hash, role, label, expires_at, may_write)
            VALUES
                ($1, 'platform_operator', $2, now() + $3, $4)
            RETURNING token.* INTO issued;
            RETURN tenancy_private.as_record(issued);
        END
        $$
    """)


def _create_rotate() -> None:
    op.execute("""
        CREATE FUNCTION tenancy.rotate_token(
            token_id   uuid,
            token_hash bytea,
            lifetime   interval,
            grace      interval
        ) RETURNS tenancy.token_record
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            former tenancy_private.access_tokens;
            issued tenancy_private.access_tokens;
        BEGIN
            UPDATE tenancy_private.access_tokens AS token
            SET expires_at = least(token.expires_at, now() + $4)
            WHERE token.token_id = $1
              AND token.revoked_at IS NULL
              AND token.expires_at > clock_timestamp()
              AND token.operator_token_id IS NULL
            RETURNING token.* INTO former;

            -- Its view tokens end with it, also where their organisation has moved to. A statement of its own: it sees
            -- those issued until the first one had its lock.
            UPDATE tenancy_private.access_tokens AS token
            SET expires_at = now() + $4
            WHERE token.operator_token_id = $1
              AND token.expires_at > now() + $4;
            IF former.token_id IS NULL THEN
                RETURN NULL;
            END IF;

            PERFORM tenancy_private.forget_the_expired(10);
            INSERT INTO tenancy_private.access_tokens AS token
                (token_hash, role, organization_id, tenant_id, label, expires_at, may_write)
            VALUES
                ($2, former.role, former.organization_id, former.tenant_id, former.label, now() + $3, former.may_write)
            RETURNING token.* INTO issued;
            RETURN tenancy_private.as_record(issued);
        END
        $$
    """)


def _create_list() -> None:
    # A statement for each kind: one for all could not be read along one index. The planner has no statistics. It takes
    # `organization_id = $1` and `revoked_at IS NULL` for a few rows, which it would sort; row comparisons and CASE it
    # takes for many. Without a sort, only one index has the order.
    queries = [
        f"""
                RETURN QUERY
                SELECT record.*
                FROM tenancy_private.access_tokens AS token
                CROSS JOIN LATERAL tenancy_private.as_record(token) AS record
                WHERE {condition}
                  AND CASE WHEN token.revoked_at IS NULL AND token.expires_at > now() THEN true ELSE $3 END
                ORDER BY {order}
                LIMIT $4;"""  # noqa: S608 - the conditions are constants
        for condition, order in (
            (
                """(token.organization_id, token.tenant_id, token.token_id) < ($1, $2, highest)
                  AND (token.organization_id, token.tenant_id, token.token_id) >= ($1, $2, lowest)""",
                "token.organization_id DESC, token.tenant_id DESC, token.token_id DESC",
            ),
            (
                """(token.organization_id, token.token_id) < ($1, highest)
                  AND (token.organization_id, token.token_id) >= ($1, lowest)""",
                "token.organization_id DESC, token.token_id DESC",
            ),
            ("token.token_id < highest", "token.token_id DESC"),
        )
    ]
    op.execute(f"""
        CREATE FUNCTION tenancy.list_tokens(
            organization_id uuid,
            tenant_id       uuid,
            also_dead       boolean,
            at_most         integer,
            before          uuid
        ) RETURNS SETOF tenancy.token_record
        LANGUAGE plpgsql
        STABLE
        SECURITY DEFINER
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        SET enable_sort = off
        SET enable_incremental_sort = off
        AS $$
        DECLARE
            lowest  CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
            highest CONSTANT uuid := coalesce(before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
        BEGIN
            IF tenant_id IS NOT NULL THEN{queries[0]}
            ELSIF organization_id IS NOT NULL THEN{queries[1]}
            ELSE{queries[2]}
            END IF;
        END
        $$
    """)


def _create_revoke() -> None:
    op.execute("""
        CREATE FUNCTION tenancy.revoke_tokens(organization_id uuid, tenant_id uuid) RETURNS bigint
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            revoked bigint;
        BEGIN
            UPDATE tenancy_private.access_tokens AS token
            SET revoked_at = clock_timestamp()
            WHERE token.organization_id = $1
              AND (token.tenant_id = $2 OR $2 IS NULL)
              AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity')
              AND token.expires_at > now();
            GET DIAGNOSTICS revoked = ROW_COUNT;
            RETURN revoked;
        END
        $$
    """)
