"""The schema as the live database has it, as a Mermaid diagram."""

import asyncpg

COLUMNS = """
    SELECT namespace.nspname || '.' || class.relname AS table_name,
           attribute.attname AS column_name,
           replace(format_type(attribute.atttypid, NULL), 'timestamp with time zone', 'timestamptz') AS type,
           attribute.attnotnull AS is_required,
           coalesce(attribute.attnum = ANY (primary_key.conkey), false) AS is_primary,
           EXISTS (
               SELECT FROM pg_catalog.pg_constraint AS foreign_key
               WHERE foreign_key.conrelid = class.oid
                 AND foreign_key.contype = 'f'
                 AND attribute.attnum = ANY (foreign_key.conkey)
           ) AS is_foreign
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
    LEFT JOIN pg_catalog.pg_constraint AS primary_key ON primary_key.conrelid = class.oid AND primary_key.contype = 'p'
    WHERE namespace.nspname IN ('tenancy', 'tenancy_private')
      AND class.relkind IN ('r', 'p')
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
    ORDER BY table_name, attribute.attnum
"""

REFERENCES = """
    SELECT format('%s.%s', from_schema.nspname, from_table.relname) AS from_name,
           format('%s.%s', to_schema.nspname, to_table.relname) AS to_name,
           constraint_.conname AS name,
           EXISTS (
               SELECT FROM pg_catalog.pg_attribute AS attribute
               WHERE attribute.attrelid = constraint_.conrelid
                 AND attribute.attnum = ANY (constraint_.conkey)
                 AND NOT attribute.attnotnull
           ) AS is_optional
    FROM pg_catalog.pg_constraint AS constraint_
    JOIN pg_catalog.pg_class AS from_table ON from_table.oid = constraint_.conrelid
    JOIN pg_catalog.pg_namespace AS from_schema ON from_schema.oid = from_table.relnamespace
    JOIN pg_catalog.pg_class AS to_table ON to_table.oid = constraint_.confrelid
    JOIN pg_catalog.pg_namespace AS to_schema ON to_schema.oid = to_table.relnamespace
    WHERE constraint_.contype = 'f'
      AND from_schema.nspname IN ('tenancy', 'tenancy_private')
    ORDER BY from_name, name
"""


async def schema_diagram(connection: asyncpg.Connection) -> str:
    """Return an entity-relationship diagram of both schemas, in a fenced block."""
    lines = ["```mermaid", "erDiagram"]
    tables: dict[str, list[str]] = {}
    for column in await connection.fetch(COLUMNS):
        keys = [key for key, holds in (("PK", column["is_primary"]), ("FK", column["is_foreign"])) if holds]
        kind = column["type"].rpartition(".")[2]
        remark = "" if column["is_required"] else ' "may be null"'
        text = f"    {kind} {column['column_name']}{' ' if keys else ''}{','.join(keys)}{remark}"
        tables.setdefault(column["table_name"], []).append(text)
    for name, columns in tables.items():
        lines += [f'  "{name}" {{', *columns, "  }"]
    for reference in await connection.fetch(REFERENCES):
        end = "|o" if reference["is_optional"] else "||"
        lines.append(f'  "{reference["to_name"]}" {end}--o{{ "{reference["from_name"]}" : {reference["name"]}')
    return "\n".join([*lines, "```"]) + "\n"
