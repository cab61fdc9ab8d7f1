"""Let a platform operator act as a tenant, in the tenant's audit trail.

A view token is a tenant's token that a platform operator issued for itself. It carries the operator's token and label,
which every event of a change made with it repeats. Issuing one is an event, too: the organisation sees in its own trail
that an operator looked, also where nothing was changed. It ends with the operator's token, and within twelve hours.

The operator is the one whose token is in the context. Only the role of the command line may issue view tokens, and it
cannot name another operator. Revoking a token revokes the view tokens that were issued with it.
"""

from alembic import op

revision = "view_tokens"
down_revision = "read_only_tokens"
branch_labels = None
depends_on = None

TABLES = ("tenancy_private.access_tokens", "tenancy.tenant_events")
OPERATOR = "access_tokens_operator_has_a_label_and_is_no_tenant"

RECORD = "tenancy_private.record_row_event()"
COLUMNS = "actor_tenant_id, database_role, request_id"
VALUES = "nullif(current_setting('app.request_id', true), '')"
OPERATORS_COLUMNS = ",\n                operator_token_id, operator_label"
OPERATORS_VALUES = """,
                access_token.operator_token_id,
                access_token.operator_label"""

COMMENTS = {
    "COLUMN tenancy_private.access_tokens.operator_token_id": (
        "The platform operator''s token that a view token was issued with; NULL for other tokens."
    ),
    "COLUMN tenancy.tenant_events.operator_token_id": (
        "The platform operator''s token behind a view token; NULL for other callers."
    ),
    "TYPE tenancy.token_record": "A token without its hash, for tenancy_operator.",
    "FUNCTION tenancy.issue_view_token(bytea, uuid, uuid, text, interval, boolean)": (
        "Issues a tenant''s token to the platform operator in the context, and records that in the tenant''s trail."
    ),
}


def upgrade() -> None:
    """Add the columns of the operator, the function that fills them, and the revocation that follows them."""
    # One table's lock at a time, as in the migration before.
    with op.get_context().autocommit_block():
        for table in TABLES:
            op.execute(f"""
                ALTER TABLE {table}
                    ADD COLUMN IF NOT EXISTS operator_token_id uuid,
                    ADD COLUMN IF NOT EXISTS operator_label    text
            """)
    for table in TABLES:
        for column in ("operator_token_id", "operator_label"):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
    op.execute(f"""
        ALTER TABLE tenancy_private.access_tokens
            ADD CONSTRAINT {OPERATOR}
            CHECK (
                (operator_token_id IS NULL) = (operator_label IS NULL)
                AND (operator_token_id IS NULL OR role = 'tenant')
            ) NOT VALID
    """)
    op.execute("""
        CREATE TYPE tenancy.token_record AS (
            token_id          uuid,
            role              text,
            organization_id   uuid,
            tenant_id         uuid,
            label             text,
            created_at        timestamptz,
            expires_at        timestamptz,
            revoked_at        timestamptz,
            may_write         boolean,
            operator_token_id uuid,
            operator_label    text
        )
    """)
    op.execute("""
        CREATE FUNCTION tenancy_private.as_record(token tenancy_private.access_tokens) RETURNS tenancy.token_record
        LANGUAGE sql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        RETURN ROW(
            token.token_id, token.role::text, token.organization_id, token.tenant_id, token.label, token.created_at,
            token.expires_at, token.revoked_at, token.may_write, token.operator_token_id, token.operator_label
        )::tenancy.token_record
    """)
    _issue_view_token()
    _change_event((COLUMNS, COLUMNS + OPERATORS_COLUMNS), (VALUES, VALUES + OPERATORS_VALUES))
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.revoke_token(token_id uuid) RETURNS boolean
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            is_revoked boolean;
        BEGIN
            UPDATE tenancy_private.access_tokens AS token
            SET revoked_at = clock_timestamp()
            WHERE token.token_id = revoke_token.token_id
              AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity');
            is_revoked := FOUND;

            -- A statement of its own: it sees the view tokens issued until the first one had its lock.
            UPDATE tenancy_private.access_tokens AS token
            SET revoked_at = clock_timestamp()
            WHERE token.operator_token_id = revoke_token.token_id
              AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity');
            RETURN is_revoked OR FOUND;
        END
        $$
    """)
    for place, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {place} IS '{comment}'")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'view_tokens', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'read_only_tokens'
        UNION ALL
        VALUES ('view_tokens', 'read_only_tokens')
    """)


def downgrade() -> None:
    """Delete the view tokens, which would be ordinary ones, and who was behind an event."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'view_tokens'")
    op.execute("DELETE FROM tenancy_private.access_tokens WHERE operator_token_id IS NOT NULL")
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.revoke_token(token_id uuid) RETURNS boolean
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            UPDATE tenancy_private.access_tokens AS token
            SET revoked_at = clock_timestamp()
            WHERE token.token_id = revoke_token.token_id
              AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity');
            RETURN FOUND;
        END
        $$
    """)
    _change_event((COLUMNS + OPERATORS_COLUMNS, COLUMNS), (VALUES + OPERATORS_VALUES, VALUES))
    op.execute("DROP FUNCTION tenancy.issue_view_token(bytea, uuid, uuid, text, interval, boolean)")
    op.execute("DROP FUNCTION tenancy_private.as_record(tenancy_private.access_tokens)")
    op.execute("DROP TYPE tenancy.token_record")
    op.execute(f"ALTER TABLE tenancy_private.access_tokens DROP CONSTRAINT {OPERATOR}")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN operator_token_id, DROP COLUMN operator_label")


def _issue_view_token() -> None:
    op.execute("""
        CREATE FUNCTION tenancy.issue_view_token(
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
            operator tenancy_private.access_tokens := tenancy_private.current_access_token();
            issued   tenancy_private.access_tokens;
        BEGIN
            IF operator.role IS DISTINCT FROM 'platform_operator' THEN
                RAISE EXCEPTION 'the access token is not a platform operator''s'
                USING ERRCODE = 'invalid_authorization_specification';
            END IF;
            IF may_write AND NOT operator.may_write THEN
                RAISE EXCEPTION 'the access token is read-only'
                USING ERRCODE = 'MT002';
            END IF;

            -- A revocation or rotation that began is waited for; one that begins now waits, and ends this token, too.
            SELECT token.*
            INTO operator
            FROM tenancy_private.access_tokens AS token
            WHERE token.token_hash = operator.token_hash
              AND token.revoked_at IS NULL
              AND token.expires_at > clock_timestamp()
            FOR SHARE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the access token is not valid'
                USING ERRCODE = 'invalid_authorization_specification';
            END IF;

            PERFORM tenancy_private.forget_the_expired(10);
            INSERT INTO tenancy_private.access_tokens AS token (
                token_hash, role, organization_id, tenant_id, label, expires_at, may_write,
                operator_token_id, operator_label
            )
            VALUES (
                $1, 'tenant', $2, $3, $4, least(now() + least($5, interval '12 hours'), operator.expires_at), $6,
                operator.token_id, operator.label
            )
            RETURNING token.* INTO issued;

            INSERT INTO tenancy.tenant_events (
                organization_id, tenant_id, table_name, event_type, new_values, token_id, token_label,
                database_role, request_id, operator_token_id, operator_label
            )
            VALUES (
                $2,
                $3,
                'access_tokens',
                'created',
                jsonb_build_object(
                    'token_id', issued.token_id,
                    'label', issued.label,
                    'may_write', issued.may_write,
                    'expires_at', issued.expires_at
                ),
                operator.token_id,
                operator.label,
                session_user,
                nullif(current_setting('app.request_id', true), ''),
                operator.token_id,
                operator.label
            );
            RETURN tenancy_private.as_record(issued);
        END
        $$
    """)
    op.execute("""
        GRANT EXECUTE ON FUNCTION tenancy.issue_view_token(bytea, uuid, uuid, text, interval, boolean)
        TO tenancy_operator
    """)


def _change_event(columns: tuple[str, str], values: tuple[str, str]) -> None:
    """Replace two passages of the trigger's function at once; the rest of it stays as it is."""
    op.execute(f"""
        DO $do$
        BEGIN
            EXECUTE replace(
                replace(pg_get_functiondef('{RECORD}'::regprocedure), $old${columns[0]}$old$, $new${columns[1]}$new$),
                $old${values[0]}$old$,
                $new${values[1]}$new$
            );
        END
        $do$
    """)
