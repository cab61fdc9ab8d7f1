"""Prepare the schema for organisations that move to another server.

A server that gave an organisation away keeps the hashes of its tokens until they expire, each with the label of the
server that has the organisation now. A token that is not found is looked for there: only then, so a valid token costs
what it cost. The error MT001 carries the label; the new server verifies the token.

While an organisation is copied, its tokens are already on the new server, where `revoked_at = 'infinity'` holds them
back: no statement there accepts them before the old server has given them up. Presenting one is a temporary error.

`refuse_while_moving` is for triggers that `mtdb organization move` creates at the switch. They refuse the writes of one
organisation until a deadline, which stands in the trigger: if the mover is killed, the writes go on after it.
"""

from alembic import op

revision = "move_organizations"
down_revision = "policies_in_order"
branch_labels = None
depends_on = None

LOOKUP = "tenancy_private.current_access_token()"
PURGE = "tenancy_private.forget_the_expired(integer)"
REVOKE = "tenancy.revoke_token(uuid)"
NOT_VALID = "                RAISE EXCEPTION 'the access token is not valid'"
DECLARED = "            answers  integer;"
RETURNED = "            RETURN expired + revoked + answers;"

PASSAGES = (
    (
        LOOKUP,
        NOT_VALID,
        f"""                PERFORM tenancy_private.follow_access_token(sha256(convert_to(presented, 'UTF8')));
{NOT_VALID}""",
    ),
    # A token that is held back can be revoked: at the switch it may be on this server only.
    (
        REVOKE,
        "              AND token.revoked_at IS NULL;",
        "              AND (token.revoked_at IS NULL OR token.revoked_at = 'infinity');",
    ),
    (PURGE, DECLARED, f"{DECLARED}\n            moved    integer;"),
    (
        PURGE,
        RETURNED,
        """
            DELETE FROM tenancy_private.moved_tokens AS gone
            WHERE gone.token_hash IN (
                SELECT candidate.token_hash
                FROM tenancy_private.moved_tokens AS candidate
                WHERE candidate.expires_at < now()
                ORDER BY candidate.expires_at
                LIMIT at_most
                FOR UPDATE SKIP LOCKED
            );
            GET DIAGNOSTICS moved = ROW_COUNT;
            RETURN expired + revoked + answers + moved;""",
    ),
)
"""For each function the passage before, and after; see `_replace`."""

COMMENTS = {
    "TABLE tenancy_private.moved_tokens": "Tokens of organisations that moved to another server, until they expire.",
    "COLUMN tenancy_private.moved_tokens.server": "The label of the server to ask instead, as the settings name it.",
    "COLUMN tenancy_private.access_tokens.revoked_at": (
        "NULL while valid; ''infinity'' on a server that the organisation is moving to, before the switch."
    ),
    "FUNCTION tenancy_private.follow_access_token(bytea)": (
        "Error MT001 for a token whose organisation moved, 57000 for one whose organisation is arriving."
    ),
    "FUNCTION tenancy_private.refuse_while_moving()": "Refuses writes until the time in the trigger''s argument.",
}


def upgrade() -> None:
    """Create the table and two functions, and have two functions use them. Valid tokens are looked up as before."""
    op.execute("""
        CREATE TABLE tenancy_private.moved_tokens (
            token_hash bytea       NOT NULL,
            server     text        NOT NULL,
            expires_at timestamptz NOT NULL,

            CONSTRAINT moved_tokens_pkey
                PRIMARY KEY (token_hash),
            CONSTRAINT moved_tokens_hash_is_sha256
                CHECK (octet_length(token_hash) = 32),
            CONSTRAINT moved_tokens_server_length
                CHECK (char_length(server) BETWEEN 1 AND 16)
        )
    """)
    op.execute("CREATE INDEX moved_tokens_expires_at ON tenancy_private.moved_tokens (expires_at)")
    op.execute("REVOKE USAGE ON TYPE tenancy_private.moved_tokens FROM PUBLIC")
    for column in ("token_hash", "server", "expires_at"):
        op.execute(f"ALTER TABLE tenancy_private.moved_tokens ALTER COLUMN {column} SET STATISTICS 0")
    op.execute("ALTER TABLE tenancy_private.moved_tokens ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy_private.moved_tokens FORCE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY only_the_owner_reaches_moved_tokens ON tenancy_private.moved_tokens
        FOR ALL TO tenancy_owner
        USING (true)
        WITH CHECK (true)
    """)

    op.execute("""
        CREATE FUNCTION tenancy_private.follow_access_token(presented_hash bytea) RETURNS void
        LANGUAGE plpgsql
        STABLE
        PARALLEL RESTRICTED
        SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            server_label text;
        BEGIN
            SELECT moved.server
            INTO server_label
            FROM tenancy_private.moved_tokens AS moved
            WHERE moved.token_hash = presented_hash
              AND moved.expires_at > clock_timestamp();

            IF FOUND THEN
                RAISE EXCEPTION 'the organisation has moved to another server'
                USING ERRCODE = 'MT001', DETAIL = server_label;
            END IF;

            IF EXISTS (
                SELECT
                FROM tenancy_private.access_tokens AS token
                WHERE token.token_hash = presented_hash
                  AND token.revoked_at = 'infinity'
                  AND token.expires_at > clock_timestamp()
            ) THEN
                RAISE EXCEPTION 'the organisation is moving to this server'
                USING ERRCODE = 'operator_intervention';
            END IF;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION tenancy_private.refuse_while_moving() RETURNS trigger
        LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            IF clock_timestamp() < TG_ARGV[0]::timestamptz THEN
                RAISE EXCEPTION 'the organisation is moving to another server'
                USING ERRCODE = 'operator_intervention', HINT = 'Repeat the statement in a second.';
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            RETURN NEW;
        END
        $$
    """)
    for function, before, after in PASSAGES:
        _replace(function, before, after)
    for place, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {place} IS '{comment}'")
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'move_organizations', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'policies_in_order'
        UNION ALL
        VALUES ('move_organizations', 'policies_in_order')
    """)


def downgrade() -> None:
    """Forget where organisations moved to: their old tokens are refused where they were issued."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'move_organizations'")
    op.execute("COMMENT ON COLUMN tenancy_private.access_tokens.revoked_at IS NULL")
    for function, before, after in reversed(PASSAGES):
        _replace(function, after, before)
    op.execute("DROP FUNCTION tenancy_private.refuse_while_moving()")
    op.execute("DROP FUNCTION tenancy_private.follow_access_token(bytea)")
    op.execute("DROP TABLE tenancy_private.moved_tokens")


def _replace(function: str, old: str, new: str) -> None:
    """Replace a passage of a function; the rest of it stays as it is."""
    op.execute(f"""
        DO $do$
        BEGIN
            EXECUTE replace(pg_get_functiondef('{function}'::regprocedure), $old${old}$old$, $new${new}$new$);
        END
        $do$
    """)
