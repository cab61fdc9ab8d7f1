"""Sequences of columns whose values came from elsewhere."""

from collections.abc import Sequence

import asyncpg

OWNED = """
    SELECT quote_literal(owned.objid::regclass::text) AS name,
           owned.refobjid::regclass::text AS table_name,
           quote_ident(attribute.attname) AS column_name
    FROM pg_depend AS owned
    JOIN pg_class AS sequence ON sequence.oid = owned.objid AND sequence.relkind = 'S'
    JOIN pg_attribute AS attribute ON attribute.attrelid = owned.refobjid AND attribute.attnum = owned.refobjsubid
    WHERE owned.classid = 'pg_class'::regclass
      AND owned.refclassid = 'pg_class'::regclass
      AND owned.deptype IN ('a', 'i')
      AND owned.refobjid::regclass::text = ANY ($1::text[])
    ORDER BY 1
"""


async def advance_sequences(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Set the sequences of the tables' columns beyond the values that are there; none is set back."""
    for row in await connection.fetch(OWNED, tables):
        await connection.execute(f"""
            SELECT setval({row["name"]}, stored.highest)
            FROM (SELECT max({row["column_name"]}) AS highest FROM {row["table_name"]}) AS stored
            WHERE stored.highest > coalesce(pg_sequence_last_value({row["name"]}::regclass), 0)
        """)
