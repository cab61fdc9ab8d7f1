"""Call the table of idempotency keys by its name: idempotency_keys, no longer remembered_requests.

Three functions of the schema are the only way to it, so the service does not notice. The rename waits for transactions
that use the table. A request with an Idempotency-Key that arrives while it waits finds the table gone under the old
name and is answered 500, once; nothing was carried out, and the client repeats it with its key.
"""

from alembic import op

revision = "name_idempotency_keys"
down_revision = "protect_by_procedure"
branch_labels = None
depends_on = None

BEFORE, AFTER = "remembered_requests", "idempotency_keys"
CONSTRAINTS = ("pkey", "key_length", "hash_is_sha256", "answer_size")
FUNCTIONS = (
    "tenancy.begin_request(text, bytea)",
    "tenancy.finish_request(text, jsonb)",
    "tenancy_private.forget_the_expired(integer)",
)
PASSAGES = (
    (BEFORE, AFTER),
    # Two comments in them, in plainer words.
    (
        """-- Whosever they are. A deleted key is locked until the transaction ends, and who asks with it then waits:
            -- so only a day after it has expired, when nobody repeats a request with it any more.""",
        """-- Keys of any tenant. A deleted key is locked until the transaction ends, and a request with that key would
            -- wait: so only a day after it has expired, when no client repeats a request with it any more.""",
    ),
    (
        "a day after it has expired nobody repeats a request with the key any more.",
        "a day after it has expired no client repeats a request with the key any more.",
    ),
)


def upgrade() -> None:
    """Rename the table, its constraints and its index, and name it so in the functions, in one transaction."""
    _rename(BEFORE, AFTER)
    for before, after in PASSAGES:
        _replace_in_functions(before, after)
    op.execute("""
        INSERT INTO public.compatible_revisions (schema_revision, service_revision)
        SELECT 'name_idempotency_keys', declared.service_revision
        FROM public.compatible_revisions AS declared
        WHERE declared.schema_revision = 'protect_by_procedure'
        UNION ALL
        VALUES ('name_idempotency_keys', 'protect_by_procedure')
    """)


def downgrade() -> None:
    """Give the table its former name."""
    op.execute("DELETE FROM public.compatible_revisions WHERE schema_revision = 'name_idempotency_keys'")
    _rename(AFTER, BEFORE)
    for before, after in PASSAGES:
        _replace_in_functions(after, before)


def _rename(old: str, new: str) -> None:
    """Rename what bears the name. squawk warns of clients that know it; the only ones are the functions below."""
    statements = (
        f"ALTER TABLE tenancy_private.{old} RENAME TO {new}",
        *(
            f"ALTER TABLE tenancy_private.{new} RENAME CONSTRAINT {old}_{constraint} TO {new}_{constraint}"
            for constraint in CONSTRAINTS
        ),
        f"ALTER INDEX tenancy_private.{old}_created_at RENAME TO {new}_created_at",
    )
    for statement in statements:
        op.execute(f"-- squawk-ignore renaming-table, renaming-object\n{statement}")


def _replace_in_functions(old: str, new: str) -> None:
    """Replace a passage in each function that has it; the rest of the function stays as it is."""
    for function in FUNCTIONS:
        op.execute(f"""
            DO $do$
            BEGIN
                EXECUTE replace(pg_get_functiondef('{function}'::regprocedure), $old${old}$old$, $new${new}$new$);
            END
            $do$
        """)
