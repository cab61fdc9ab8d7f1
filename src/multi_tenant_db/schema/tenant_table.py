"""Row level security and audit trail for a new table of tenants' rows: one call in its migration.

The migration says what the table is: its columns, a key that begins with the tenant's, and what happens to its rows
when the tenant goes.

    op.execute('''
        CREATE TABLE tenancy.accounts (
            organization_id uuid NOT NULL,
            tenant_id       uuid NOT NULL,
            account_id      uuid NOT NULL DEFAULT tenancy.uuid_v7(),
            name            text NOT NULL,

            CONSTRAINT accounts_pkey
                PRIMARY KEY (organization_id, tenant_id, account_id),
            CONSTRAINT accounts_tenant_fkey
                FOREIGN KEY (organization_id, tenant_id)
                REFERENCES tenancy.tenants (organization_id, tenant_id)
                ON DELETE CASCADE
        )
    ''')
    protect_tenant_table(op, "accounts", insert_columns=["name"], update_columns=["name"])

Migrations are history, so what these functions do for a table must not change once a release has used them: give a new
shape a new function. `mtdb check` and `make check` find a table that lacks a part of it, whoever made the table.
"""

import re
from collections.abc import Sequence
from types import ModuleType

KEY = ("organization_id", "tenant_id")
NAME = re.compile(r"[a-z_][a-z0-9_]*")

# Word for word as in the migrations isolate_tenants and policies_first, which say why each has the form it has.
IN_REACH = """
    (JSON_OBJECT(organization_id: 1, tenant_id: 1 RETURNING jsonb))[(SELECT tenancy.current_tenant_id()::text)]
    IS NOT NULL
"""
REACH = f"""
    {IN_REACH}
    AND organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
"""
OPERATORS_REACH = """
    (SELECT tenancy.first_organization_id_in_reach()) IS NOT NULL
    AND organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())])
"""

KEEP_NO_STATISTICS = """
    DO $$
    DECLARE
        statement text;
    BEGIN
        FOR statement IN
            SELECT format('ALTER TABLE tenancy.<table> ALTER COLUMN %I SET STATISTICS 0', attribute.attname)
            FROM pg_catalog.pg_attribute AS attribute
            WHERE attribute.attrelid = 'tenancy.<table>'::regclass
              AND attribute.attnum > 0
              AND NOT attribute.attisdropped
            UNION ALL
            SELECT format(
                'ALTER INDEX %s ALTER COLUMN %s SET STATISTICS 0', index.indexrelid::regclass, part.number
            )
            FROM pg_catalog.pg_index AS index
            CROSS JOIN generate_series(1, index.indnkeyatts) AS part (number)
            WHERE index.indrelid = 'tenancy.<table>'::regclass
              AND index.indkey[part.number - 1] = 0
        LOOP
            EXECUTE statement;
        END LOOP;
    END
    $$
"""

POLICIES = {
    "SELECT": ("a_tenant_sees_rows_of_itself_and_its_subsidiaries", "a_platform_operator_sees_all_rows"),
    "INSERT": ("a_tenant_adds_rows_to_itself_and_its_subsidiaries", "a_platform_operator_adds_any_row"),
    "UPDATE": ("a_tenant_updates_rows_of_itself_and_its_subsidiaries", "a_platform_operator_updates_all_rows"),
    "DELETE": ("a_tenant_deletes_rows_of_itself_and_its_subsidiaries", "a_platform_operator_deletes_any_row"),
}


def protect_tenant_table(
    op: ModuleType,
    table: str,
    *,
    insert_columns: Sequence[str],
    update_columns: Sequence[str],
    may_delete: bool = False,
) -> None:
    """Force row level security on `tenancy.<table>`, then grant the verbs: each with its policies, none without.

    Changes are recorded in the audit trail, whole rows, so no column may hold a secret.

    Reading is always granted; a new row also says whose it is, and no row ever moves to another tenant. Without
    `insert_columns` or `update_columns` there is no INSERT or UPDATE. The planner keeps no statistics of the table as
    it is now: columns and indexes with expressions that are added later need their own `SET STATISTICS 0`. `op` is
    Alembic's.

    Raises ValueError for a name that would need quotes, and for an update of the tenant's key.
    """
    for name in (table, *insert_columns, *update_columns):
        _require_plain(name)
    if moved := sorted({*KEY} & {*update_columns}):
        raise ValueError(f"{moved} may not be updated: a row never moves to another tenant")

    op.execute(f"ALTER TABLE tenancy.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE tenancy.{table} FORCE ROW LEVEL SECURITY")
    op.execute(f"REVOKE USAGE ON TYPE tenancy.{table} FROM PUBLIC")
    _keep_no_statistics(op, table)

    _grant(op, table, "SELECT", "SELECT")
    if insert_columns:
        _grant(op, table, "INSERT", f"INSERT ({', '.join(dict.fromkeys((*KEY, *insert_columns)))})")
    if update_columns:
        _grant(op, table, "UPDATE", f"UPDATE ({', '.join(update_columns)})")
    if may_delete:
        _grant(op, table, "DELETE", "DELETE")
    _record_events(op, table)


def unprotect_tenant_table(op: ModuleType, table: str) -> None:
    """Undo it for a table that stays; a table that is dropped takes all of it along.

    The grants go first: at no moment does the service reach the table without its policies.
    """
    _require_plain(table)
    op.execute(f"REVOKE ALL ON tenancy.{table} FROM tenancy_api, tenancy_platform")
    op.execute(f"DROP TRIGGER {table}_record_event ON tenancy.{table}")
    op.execute(f"DROP TRIGGER {table}_refuse_truncation ON tenancy.{table}")
    for names in reversed(POLICIES.values()):
        for name in reversed(names):
            op.execute(f"DROP POLICY IF EXISTS {name} ON tenancy.{table}")
    op.execute(f"ALTER TABLE tenancy.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE tenancy.{table} DISABLE ROW LEVEL SECURITY")


def _grant(op: ModuleType, table: str, verb: str, grant: str) -> None:
    """Create a verb's two policies, then grant it."""
    tenants_policy, operators_policy = POLICIES[verb]
    tenants_rows = _conditions(verb, REACH)
    operators_rows = _conditions(verb, OPERATORS_REACH)
    op.execute(f"CREATE POLICY {tenants_policy} ON tenancy.{table} FOR {verb} TO tenancy_api {tenants_rows}")
    op.execute(f"CREATE POLICY {operators_policy} ON tenancy.{table} FOR {verb} TO tenancy_platform {operators_rows}")
    op.execute(f"GRANT {grant} ON tenancy.{table} TO tenancy_api, tenancy_platform")


def _conditions(verb: str, reach: str) -> str:
    """Return what must hold of rows before, and after; PostgreSQL takes for each verb what it has."""
    before = "" if verb == "INSERT" else f"USING ({reach})"
    after = f"WITH CHECK ({reach})" if verb in {"INSERT", "UPDATE"} else ""
    return f"{before} {after}"


def _record_events(op: ModuleType, table: str) -> None:
    """Have every change of a row recorded beside those of the tenants, and refuse what would change rows unrecorded."""
    op.execute(f"""
        CREATE TRIGGER {table}_record_event
        AFTER INSERT OR UPDATE OR DELETE ON tenancy.{table}
        FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event()
    """)
    op.execute(f"""
        CREATE TRIGGER {table}_refuse_truncation
        BEFORE TRUNCATE ON tenancy.{table}
        FOR EACH STATEMENT EXECUTE FUNCTION tenancy_private.refuse_truncation()
    """)


def _keep_no_statistics(op: ModuleType, table: str) -> None:
    """Keep every column and index expression out of the planner's samples, which EXPLAIN shows to every caller."""
    op.execute(KEEP_NO_STATISTICS.replace("<table>", table))


def _require_plain(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no plain lower-case name")
