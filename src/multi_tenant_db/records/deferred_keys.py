"""Unique constraints that are deferrable: triggers verify them, and an import runs none."""

from collections.abc import Sequence

import asyncpg

from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.records.scope import Scope

DEFERRABLE = """
    SELECT key.conname AS name,
           key.conrelid::regclass::text AS table_name,
           string_agg(quote_ident(attribute.attname), ', ' ORDER BY attribute.attnum) AS columns,
           string_agg(
               format(
                   CASE WHEN index.indnullsnotdistinct THEN 'own.%1$I IS NOT DISTINCT FROM other.%1$I'
                        ELSE 'own.%1$I = other.%1$I' END,
                   attribute.attname
               ),
               ' AND '
           ) AS condition
    FROM pg_constraint AS key
    JOIN pg_index AS index ON index.indexrelid = key.conindid
    JOIN pg_attribute AS attribute ON attribute.attrelid = key.conrelid AND attribute.attnum = ANY (key.conkey)
    WHERE key.contype IN ('p', 'u')
      AND key.condeferrable
      AND key.conrelid::regclass::text = ANY ($1::text[])
    GROUP BY key.oid, index.indnullsnotdistinct
    ORDER BY key.conname
"""


async def require_unique_keys(connection: asyncpg.Connection, tables: Sequence[str], scope: Scope) -> None:
    """Raise RecordsError if rows of the scope have a key that another row has, too."""
    for row in await connection.fetch(DEFERRABLE, tables):
        duplicated = f"""
            SELECT EXISTS (
                SELECT
                FROM (
                    SELECT tableoid AS part, ctid AS place, {row["columns"]}
                    FROM {row["table_name"]}
                    WHERE {scope.condition}
                ) AS own
                JOIN {row["table_name"]} AS other ON {row["condition"]}
                WHERE (own.part, own.place) <> (other.tableoid, other.ctid)
            )
        """
        if await connection.fetchval(duplicated):
            raise RecordsError(f"{row['table_name']} would have a key twice ({row['name']}): nothing was imported")
