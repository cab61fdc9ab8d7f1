"""Leave keys that have just expired: a request with one must not wait for another tenant's transaction.

The next request with any key deletes expired keys of all tenants in its transaction, and a deletion locks.
"""

from alembic import op

revision = "leave_expired_keys"
down_revision = "record_row_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Delete keys a day after they have expired; an expired one is overwritten when its owner uses it again."""
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.begin_request(
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
            -- Whosever they are. A deleted key is locked until the transaction ends, and who asks with it then waits:
            -- so only a day after it has expired, when nobody repeats a request with it any more.
            DELETE FROM tenancy_private.remembered_requests AS expired
            WHERE (expired.tenant_id, expired.idempotency_key) IN (
                SELECT candidate.tenant_id, candidate.idempotency_key
                FROM tenancy_private.remembered_requests AS candidate
                WHERE candidate.created_at < now() - interval '48 hours'
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


def downgrade() -> None:
    """Delete keys as soon as they have expired."""
    op.execute("""
        CREATE OR REPLACE FUNCTION tenancy.begin_request(
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
