"""Reads every table of the database again, and looks for what was erased."""

import asyncpg

from multi_tenant_db.lint.expected import EVENTS, MOVED_TOKENS, TOKENS
from multi_tenant_db.records.erased_scope import ErasedScope
from multi_tenant_db.records.finding import Finding
from multi_tenant_db.records.mentions import mentions_a_name, mentions_an_id, patterns_of
from multi_tenant_db.records.trail import IS_ERASED, IS_GENERATED, labels_with_a_name
from multi_tenant_db.records.verification import Verification

MOST_NAMES = 20
"""Names that are looked for inside texts, which takes time for each; of the others only whole values are found."""

COLUMNS = """
    SELECT class.oid::regclass::text AS table_name,
           class.relkind = 'f' OR class.relkind = 'm' AND NOT class.relispopulated AS is_unreadable,
           quote_ident(attribute.attname) AS name,
           attribute.atttypid = 'uuid'::regtype AS is_id
    FROM pg_class AS class
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    WHERE class.relkind IN ('r', 'm', 'f')
      AND class.relpersistence <> 't'
      AND class.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
      AND attribute.atttypid <> ALL ('{
          boolean, smallint, integer, bigint, real, double precision, numeric, money, oid, tid, xid, xid8, cid,
          date, time, timetz, timestamp, timestamptz, interval
      }'::regtype[])
    ORDER BY 1, attribute.attnum
"""
"""All columns whose type can hold an id or a name: also arrays, JSON, bytes, and types of extensions."""

KEPT_IDS = {"organization_id", "tenant_id", "actor_tenant_id"}
"""Columns of the audit trail that go on naming the tenant."""


async def verify(connection: asyncpg.Connection, erased: ErasedScope) -> Verification:
    """Read everything in one new snapshot. Raises what the driver raises: then nothing is verified."""
    columns: dict[str, dict[str, bool]] = {}
    unreadable: list[str] = []
    remaining: list[Finding] = []
    mentions: list[Finding] = []
    rows_read = 0
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for row in await connection.fetch(COLUMNS):
            if row["is_unreadable"]:
                unreadable.append(row["table_name"])
            else:
                columns.setdefault(row["table_name"], {})[row["name"]] = row["is_id"]
        for table, of_table in columns.items():
            rows_read += await _read_table(connection, erased, table, of_table, remaining, mentions)
        remaining += await _read_trail(connection, erased)
        remaining += await _read_hashes(connection, erased)
        moment = await connection.fetchrow(
            f"SELECT clock_timestamp() AS now, (SELECT count(*) FROM {EVENTS} WHERE {erased.scope.condition}) AS events"
        )
    return Verification(
        verified_at=moment["now"],
        columns={table: tuple(of_table) for table, of_table in columns.items()},
        rows_read=rows_read,
        ids_sought=len(erased.tenant_ids),
        names_sought=min(len(erased.names), MOST_NAMES),
        names_known=len(erased.names),
        remaining=tuple(remaining),
        mentions=tuple(mentions),
        events_kept=moment["events"],
        not_read=tuple(sorted(set(unreadable))),
    )


async def _read_table(  # noqa: PLR0913, PLR0917 - one call
    connection: asyncpg.Connection,
    erased: ErasedScope,
    table: str,
    columns: dict[str, bool],
    remaining: list[Finding],
    mentions: list[Finding],
) -> int:
    """Count the rows with an id or a name in each column; return how many rows were read."""
    counts = ["count(*)"]
    for name, is_id in columns.items():
        counts.append(f"count(*) FILTER (WHERE {_has_id(name, is_id=is_id)})")
        counts.append("0" if is_id else f"count(*) FILTER (WHERE {_has_name(name)})")
    # Each parameter has a type, also where no column needs it.
    query = f"""
        SELECT {", ".join(counts)} FROM ONLY {table} AS own
        WHERE $1::uuid[] IS NOT NULL AND $2::text[] IS NOT NULL AND $3::text[] IS NOT NULL
    """
    patterns = await patterns_of(connection, erased.names[:MOST_NAMES])
    read, *found = await connection.fetchrow(query, erased.tenant_ids, patterns, erased.names)
    for column, with_id, with_name in zip(columns, found[::2], found[1::2], strict=True):
        if with_id and not (table == EVENTS and column in KEPT_IDS):
            remaining.append(Finding(table=table, column=column, rows=with_id))
        if with_name:
            mentions.append(Finding(table=table, column=column, rows=with_name))
    rows: int = read
    return rows


def _has_id(column: str, *, is_id: bool) -> str:
    return f"own.{column} = ANY ($1::uuid[])" if is_id else mentions_an_id(f"own.{column}::text")


def _has_name(column: str) -> str:
    return f"{mentions_a_name(f'own.{column}::text', '$2')} OR own.{column}::text = ANY ($3::text[])"


async def _read_trail(connection: asyncpg.Connection, erased: ErasedScope) -> list[Finding]:
    """Return what events of the erased tenants still say."""
    found = []
    for column, condition in (
        ("old_values, new_values", f"NOT ({IS_ERASED})"),
        ("token_label", "actor_tenant_id = ANY ($1::uuid[]) AND token_label IS NOT NULL"),
        ("token_label", f"token_label = ANY (ARRAY({labels_with_a_name(erased.scope, '$2')}))"),
        ("operator_label", f"operator_label = ANY (ARRAY({labels_with_a_name(erased.scope, '$2')}))"),
        ("request_id", f"NOT ({IS_GENERATED})"),
    ):
        query = f"""
            SELECT count(*) FROM {EVENTS}
            WHERE {erased.scope.condition} AND {condition} AND $1::uuid[] IS NOT NULL AND $2::text[] IS NOT NULL
        """
        if rows := await connection.fetchval(query, erased.tenant_ids, await patterns_of(connection, erased.names)):
            found.append(Finding(table=EVENTS, column=column, rows=rows))
    return found


async def _read_hashes(connection: asyncpg.Connection, erased: ErasedScope) -> list[Finding]:
    """Return the erased tokens that are still there."""
    found = []
    for table in (TOKENS, MOVED_TOKENS):
        query = f"SELECT count(*) FROM {table} WHERE token_hash = ANY ($1::bytea[])"
        if rows := await connection.fetchval(query, erased.token_hashes):
            found.append(Finding(table=table, column="token_hash", rows=rows))
    return found
