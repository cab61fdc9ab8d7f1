"""Delete access tokens that expired or were revoked a month ago, and answers that are remembered beyond their day.

With short tokens a thousand users leave tens of thousands of dead rows a day. Issuing a token now removes a few of
them, and `mtdb token purge` the rest, in short steps that wait for no lock. The audit trail names tokens by copies.
The list is filtered and cut in the database.
"""

from alembic import op

revision = "forget_the_expired"
down_revision = "bound_texts"
branch_labels = None
depends_on = None

INDEXES = {
    "access_tokens_expires_at": "(expires_at)",
    "access_tokens_revoked_at": "(revoked_at)",
}

NEW_FUNCTIONS = ("list_tokens(boolean, integer)", "purge_tokens(integer)")

ISSUE = (
    (
        "issue_tenant_token(token_hash bytea, organization_id uuid, tenant_id uuid, label text, lifetime interval)",
        "(token_hash, role, organization_id, tenant_id, label, expires_at)",
        "($1, 'tenant', $2, $3, $4, now() + $5)",
    ),
    (
        "issue_platform_operator_token(token_hash bytea, label text, lifetime interval)",
        "(token_hash, role, label, expires_at)",
        "($1, 'platform_operator', $2, now() + $3)",
    ),
)


def upgrade() -> None:
    """Indexes to find the dead by, a function that forgets some, and its two callers."""
    with op.get_context().autocommit_block():
        # Waits for older transactions, and nothing waits for it. What a failed attempt left is made anew.
        op.execute("SET lock_timeout = 0")
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS tenancy_private.{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON tenancy_private.access_tokens {definition}")
        op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE FUNCTION tenancy_private.forget_the_expired(at_most integer) RETURNS integer
        LANGUAGE plpgsql
        VOLATILE
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            expired  integer;
            revoked  integer;
            answers  integer;
        BEGIN
            -- What another transaction works on is left for the next time.
            DELETE FROM tenancy_private.access_tokens AS dead
            WHERE dead.token_hash IN (
                SELECT candidate.token_hash
                FROM tenancy_private.access_tokens AS candidate
                WHERE candidate.expires_at < now() - interval '30 days'
                ORDER BY candidate.expires_at
                LIMIT at_most
                FOR UPDATE SKIP LOCKED
            );
            GET DIAGNOSTICS expired = ROW_COUNT;

            DELETE FROM tenancy_private.access_tokens AS dead
            WHERE dead.token_hash IN (
                SELECT candidate.token_hash
                FROM tenancy_private.access_tokens AS candidate
                WHERE candidate.revoked_at < now() - interval '30 days'
                ORDER BY candidate.revoked_at
                LIMIT at_most
                FOR UPDATE SKIP LOCKED
            );
            GET DIAGNOSTICS revoked = ROW_COUNT;

            -- As in begin_request: a day after it has expired nobody repeats a request with the key any more.
            DELETE FROM tenancy_private.remembered_requests AS old
            WHERE (old.tenant_id, old.idempotency_key) IN (
                SELECT candidate.tenant_id, candidate.idempotency_key
                FROM tenancy_private.remembered_requests AS candidate
                WHERE candidate.created_at < now() - interval '48 hours'
                ORDER BY candidate.created_at
                LIMIT at_most
                FOR UPDATE SKIP LOCKED
            );
            GET DIAGNOSTICS answers = ROW_COUNT;
            RETURN expired + revoked + answers;
        END
        $$
    """)
    _issue("SELECT tenancy_private.forget_the_expired(10);")
    op.execute("""
        CREATE FUNCTION tenancy.purge_tokens(at_most integer) RETURNS integer
        LANGUAGE sql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            SELECT tenancy_private.forget_the_expired($1);
        END
    """)
    op.execute("""
        CREATE FUNCTION tenancy.list_tokens(also_dead boolean, at_most integer) RETURNS SETOF tenancy.issued_token
        LANGUAGE sql
        STABLE
        PARALLEL RESTRICTED
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        BEGIN ATOMIC
            SELECT token.token_id, token.role::text, token.organization_id, token.tenant_id, token.label,
                   token.created_at, token.expires_at, token.revoked_at
            FROM tenancy_private.access_tokens AS token
            WHERE $1
               OR (token.revoked_at IS NULL AND token.expires_at > now())
            ORDER BY token.token_id DESC
            LIMIT $2;
        END
    """)
    for function in NEW_FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION tenancy.{function} TO tenancy_operator")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        VALUES
            ('forget_the_expired', 'keep_plans'),
            ('forget_the_expired', 'keep_no_statistics'),
            ('forget_the_expired', 'stamp_with_the_clock'),
            ('forget_the_expired', 'bound_texts')
    """)


def downgrade() -> None:
    """Forget nothing any more."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'forget_the_expired'")
    for function in reversed(NEW_FUNCTIONS):
        op.execute(f"DROP FUNCTION tenancy.{function}")
    _issue("")
    op.execute("DROP FUNCTION tenancy_private.forget_the_expired(integer)")
    for name in reversed(INDEXES):
        op.execute(f"DROP INDEX tenancy_private.{name}")


def _issue(first: str) -> None:
    """Replace the functions that issue tokens by ones that do something else first."""
    for signature, columns, values in ISSUE:
        op.execute(f"""
            CREATE OR REPLACE FUNCTION tenancy.{signature} RETURNS tenancy.issued_token
            LANGUAGE sql
            VOLATILE
            SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp
            BEGIN ATOMIC
                {first}
                INSERT INTO tenancy_private.access_tokens AS token
                    {columns}
                VALUES
                    {values}
                RETURNING token.token_id, token.role::text, token.organization_id, token.tenant_id, token.label,
                          token.created_at, token.expires_at, token.revoked_at;
            END
        """)  # noqa: S608 - of constants
