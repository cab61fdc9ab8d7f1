"""Every row of the schema, as text that can be compared."""

from collections.abc import Collection

import asyncpg

TABLES = """
    SELECT class.oid::regclass::text AS name,
           string_agg(quote_ident(attribute.attname), ', ' ORDER BY attribute.attname) AS columns
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
    WHERE class.relkind = 'r'
      AND class.relnamespace::regnamespace::text IN ('public', 'tenancy', 'tenancy_private')
      AND class.relname <> 'alembic_version'
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
      AND attribute.attname <> ALL ($1::text[])
    GROUP BY class.oid
"""

Rows = dict[str, list[str]]


async def rows_of_all_tables(as_admin: asyncpg.Connection, without: Collection[str] = ()) -> Rows:
    """Return each table's rows, sorted, with their columns in the order of their names, but for some columns."""
    await as_admin.execute("SET search_path = pg_catalog")
    return {
        table["name"]: sorted(
            [
                row["row"]
                for row in await as_admin.fetch(
                    f"SELECT row::text FROM (SELECT {table['columns']} FROM {table['name']}) AS row"
                )
            ]
        )
        for table in await as_admin.fetch(TABLES, [*without])
    }
