"""Remember the answers to creations that carry an Idempotency-Key, for 24 hours.

A key belongs to the tenant that used it. No other tenant learns of it, not even one of its own organisation; platform
operators share the nil UUID, which is no tenant's id. The row is written in the transaction that creates the tenant: a
creation that fails remembers nothing, and a second request with the same key waits for the first at the primary key.
Every use deletes up to a hundred expired rows of any tenant, so no second service has to. The two functions are the
only way to the table.
"""

from alembic import op

revision = "remember_answers"
down_revision = "record_tenant_events"
branch_labels = None
depends_on = None

FUNCTIONS = ("begin_request(text, bytea)", "finish_request(text, jsonb)")


def upgrade() -> None:
    """Create the private table and the two functions."""
    op.execute("""
        CREATE TABLE tenancy_private.remembered_requests (
            tenant_id       uuid        NOT NULL,
            idempotency_key text        NOT NULL,
            request_hash    bytea       NOT NULL,
            answer          jsonb,
            created_at      timestamptz NOT NULL DEFAULT now(),

            CONSTRAINT remembered_requests_pkey
                PRIMARY KEY (tenant_id, idempotency_key),
            CONSTRAINT remembered_requests_key_length
                CHECK (char_length(idempotency_key) BETWEEN 1 AND 255),
            CONSTRAINT remembered_requests_hash_is_sha256
                CHECK (octet_length(request_hash) = 32)
        )
    """)
    op.execute("REVOKE USAGE ON TYPE tenancy_private.remembered_requests FROM PUBLIC")
    op.execute("CREATE INDEX remembered_requests_created_at ON tenancy_private.remembered_requests (created_at)")
    op.execute("ALTER TABLE tenancy_private.remembered_requests ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy_private.remembered_requests FORCE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY only_the_owner_reaches_requests ON tenancy_private.remembered_requests
        FOR ALL TO tenancy_owner
        USING (true)
        WITH CHECK (true)
    """)

    op.execute("""
        CREATE FUNCTION tenancy_private.caller_tenant_id() RETURNS uuid
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            access_token tenancy_private.access_tokens := tenancy_private.current_access_token();
        BEGIN
            IF access_token.token_hash IS NULL THEN
                RAISE EXCEPTION 'the access token is not valid'
                USING ERRCODE = 'invalid_authorization_specification';
            END IF;
            RETURN coalesce(access_token.tenant_id, '00000000-0000-0000-0000-000000000000');
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy.begin_request(
            idempotency_key text,
            request_hash    bytea,
            OUT is_new      boolean,
            OUT is_same     boolean,
            OUT answer      jsonb
        )
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            caller uuid := tenancy_private.caller_tenant_id();
        BEGIN
            DELETE FROM tenancy_private.remembered_requests AS expired
            WHERE (expired.tenant_id, expired.idempotency_key) IN (
                SELECT candidate.tenant_id, candidate.idempotency_key
                FROM tenancy_private.remembered_requests AS candidate
                WHERE candidate.created_at < now() - interval '24 hours'
                ORDER BY candidate.created_at
                LIMIT 100
                FOR UPDATE SKIP LOCKED
            );

            -- Another transaction with the same key is waited for here.
            INSERT INTO tenancy_private.remembered_requests AS request
                (tenant_id, idempotency_key, request_hash)
            VALUES
                (caller, $1, $2)
            ON CONFLICT ON CONSTRAINT remembered_requests_pkey DO UPDATE
            SET request_hash = EXCLUDED.request_hash,
                answer = NULL,
                created_at = EXCLUDED.created_at
            WHERE request.created_at < now() - interval '24 hours';
            is_new := FOUND;

            SELECT request.request_hash = $2, request.answer
            INTO is_same, answer
            FROM tenancy_private.remembered_requests AS request
            WHERE request.tenant_id = caller
              AND request.idempotency_key = $1;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy.finish_request(idempotency_key text, answer jsonb) RETURNS void
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            UPDATE tenancy_private.remembered_requests AS request
            SET answer = $2
            WHERE request.tenant_id = tenancy_private.caller_tenant_id()
              AND request.idempotency_key = $1
              AND request.answer IS NULL;
        END
        $$
    """)
    for function in FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{function} TO tenancy_api, tenancy_platform")


def downgrade() -> None:
    """Forget all answers: a request that is repeated afterwards is carried out again."""
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION tenancy.{function}")
    op.execute("DROP FUNCTION tenancy_private.caller_tenant_id()")
    op.execute("DROP TABLE tenancy_private.remembered_requests")
