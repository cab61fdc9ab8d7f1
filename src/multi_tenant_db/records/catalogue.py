"""Which tables an organisation's records are in, and how their columns are written."""

from urllib.parse import quote

import asyncpg

from multi_tenant_db.lint.expected import TENANTS
from multi_tenant_db.moving.catalogue import REFERENCES, find_tables, find_tables_without_organization
from multi_tenant_db.records.record_column import RecordColumn
from multi_tenant_db.records.record_table import RecordTable
from multi_tenant_db.records.records_error import RecordsError

PRIVATE = "tenancy_private"
"""Credentials, and what only functions reach: erased, but not exported."""

COLUMNS = """
    SELECT class.oid::regclass::text AS table_name,
           namespace.nspname AS schema_name,
           class.relname AS relation_name,
           class.relkind = 'p' AS is_partitioned,
           quote_ident(attribute.attname) AS name,
           attribute.attname AS bare_name,
           quote_literal(attribute.attname) AS key,
           format_type(attribute.atttypid, -1) AS "cast",
           quote_ident(attribute.attname) || ' ' || format_type(attribute.atttypid, attribute.atttypmod) AS declared,
           attribute.atttypid = ANY ('{boolean, smallint, integer, jsonb}'::regtype[]) AS is_native,
           attribute.attgenerated <> '' AS is_generated,
           array_position(index.indkey::int2[], attribute.attnum) AS position_in_key,
           attribute.attcollation <> 0 AS is_collated
    FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    LEFT JOIN pg_index AS index ON index.indrelid = class.oid AND index.indisprimary
    WHERE class.oid::regclass::text = ANY ($1::text[])
      AND NOT class.relispartition
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
    ORDER BY class.oid::regclass::text <> $2, class.oid::regclass::text, attribute.attname
"""
"""The tenants first; columns by name, so that servers on which they were added in another order agree."""


async def check_tables(connection: asyncpg.Connection) -> None:
    """Raise RecordsError if there are tenants' rows that cannot be told apart by organisation."""
    if tables := await find_tables_without_organization(connection):
        raise RecordsError(
            f"{', '.join(tables)}: rows of tenants cannot be found without a column organization_id uuid"
        )


async def find_record_tables(connection: asyncpg.Connection) -> list[RecordTable]:
    """Return all tables with an organisation, the tenants first, also those of `tenancy_private`."""
    names = [table.name for table in await find_tables(connection)]
    found: dict[str, list[asyncpg.Record]] = {}
    for row in await connection.fetch(COLUMNS, names, TENANTS):
        found.setdefault(row["table_name"], []).append(row)
    return [_table(name, rows) for name, rows in found.items()]


async def find_exported_tables(connection: asyncpg.Connection) -> list[RecordTable]:
    """Return the tables of `find_record_tables` but for the private ones."""
    return [table for table in await find_record_tables(connection) if not is_private(table.name)]


def is_private(table_name: str) -> bool:
    """Return whether a table is not for tenants."""
    return table_name.startswith(f"{PRIVATE}.")


def _table(name: str, rows: list[asyncpg.Record]) -> RecordTable:
    columns = [
        RecordColumn(
            row["name"],
            row["key"],
            row["cast"],
            row["declared"],
            row["is_native"],
            row["is_generated"],
            row["position_in_key"],
            row["is_collated"],
        )
        for row in rows
    ]
    has_tenant = any(row["bare_name"] == "tenant_id" and row["cast"] == "uuid" for row in rows)
    file = f"{_file_part(rows[0]['schema_name'])}.{_file_part(rows[0]['relation_name'])}.jsonl"
    return RecordTable(name, file, columns, has_tenant, rows[0]["is_partitioned"])


def _file_part(name: str) -> str:
    return quote(name, safe="").replace(".", "%2E")


async def in_order_of_deletion(connection: asyncpg.Connection, tables: list[RecordTable]) -> list[RecordTable]:
    """Return the tables so that each comes before those that it refers to; the tenants last."""
    references = await connection.fetch(REFERENCES, [table.name for table in tables])
    waiting = sorted(tables, key=lambda table: table.name == TENANTS)
    ordered: list[RecordTable] = []
    while waiting:
        names = {table.name for table in waiting}
        referred = {
            row["referenced"]
            for row in references
            if row["table_name"] in names and row["table_name"] != row["referenced"]
        }
        # Tables that refer to one another in a circle are left to ON DELETE CASCADE.
        free = next((table for table in waiting if table.name not in referred), waiting[0])
        waiting.remove(free)
        ordered.append(free)
    return ordered
