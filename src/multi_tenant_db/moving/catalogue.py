"""Which tables an organisation has rows in, and what must hold between them."""

import asyncpg

from multi_tenant_db.lint.expected import REQUESTS, TENANTS
from multi_tenant_db.moving.moved_table import MovedTable

TABLES = """
    SELECT class.oid::regclass::text AS name,
           array_agg(quote_ident(attribute.attname) ORDER BY attribute.attname) AS columns,
           array_agg(
               quote_ident(attribute.attname) || ' ' || format_type(attribute.atttypid, attribute.atttypmod)
               ORDER BY attribute.attname
           ) AS definition,
           EXISTS (
               SELECT
               FROM pg_index AS index
               JOIN pg_attribute AS part ON part.attrelid = class.oid AND part.attnum = ANY (index.indkey)
               WHERE index.indrelid = class.oid
                 AND CASE class.relreplident
                         WHEN 'd' THEN index.indisprimary
                         WHEN 'i' THEN index.indisreplident
                     END
                 AND part.attname = 'organization_id'
           ) OR class.relreplident = 'f' AS has_identity,
           CASE
               WHEN class.relkind = 'p' OR class.relispartition THEN 'it is partitioned'
               WHEN class.relpersistence = 'u' THEN 'it is unlogged'
               WHEN class.relreplident NOT IN ('d', 'f', 'i') THEN 'its replica identity is NOTHING'
               WHEN class.relhassubclass OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = class.oid)
               THEN 'it inherits, or is inherited from'
           END AS obstacle
    FROM pg_class AS class
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    WHERE class.relkind IN ('r', 'p')
      AND class.relpersistence <> 't'
      AND class.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
      AND EXISTS (
          SELECT
          FROM pg_attribute AS organization
          WHERE organization.attrelid = class.oid
            AND organization.attname = 'organization_id'
            AND organization.atttypid = 'uuid'::regtype
      )
    GROUP BY class.oid
    ORDER BY class.oid::regclass::text <> $1, class.oid::regclass::text
"""
"""The tenants first: others refer to them."""

WITHOUT_ORGANIZATION = """
    SELECT class.oid::regclass::text AS name
    FROM pg_class AS class
    WHERE class.relkind IN ('r', 'p')
      AND class.relpersistence <> 't'
      AND class.oid::regclass::text <> $1
      AND NOT EXISTS (
          SELECT
          FROM pg_attribute AS organization
          WHERE organization.attrelid = class.oid
            AND organization.attname = 'organization_id'
            AND organization.atttypid = 'uuid'::regtype
      )
      AND (
          EXISTS (
              SELECT
              FROM pg_attribute AS attribute
              WHERE attribute.attrelid = class.oid
                AND attribute.attname IN ('tenant_id', 'parent_tenant_id')
                AND attribute.atttypid = 'uuid'::regtype
          )
          OR EXISTS (
              SELECT
              FROM pg_constraint AS reference
              WHERE reference.conrelid = class.oid
                AND reference.contype = 'f'
                AND reference.confrelid::regclass::text = $2
          )
      )
    ORDER BY 1
"""
"""Tables of tenants whose rows cannot be told apart by organisation."""

REFERENCES = """
    SELECT reference.conname::text AS name,
           reference.conrelid::regclass::text AS table_name,
           reference.confrelid::regclass::text AS referenced,
           array_agg(quote_ident(own.attname) ORDER BY part.number) AS columns,
           array_agg(quote_ident(other.attname) ORDER BY part.number) AS keys
    FROM pg_constraint AS reference
    CROSS JOIN LATERAL unnest(reference.conkey, reference.confkey) WITH ORDINALITY AS part (own, other, number)
    JOIN pg_attribute AS own ON own.attrelid = reference.conrelid AND own.attnum = part.own
    JOIN pg_attribute AS other ON other.attrelid = reference.confrelid AND other.attnum = part.other
    WHERE reference.contype = 'f'
      AND reference.conrelid::regclass::text = ANY ($1::text[])
    GROUP BY reference.oid
    ORDER BY 2, 1
"""

SEQUENCES = """
    SELECT owned.objid::regclass::text AS name, pg_sequence_last_value(owned.objid) AS last_value
    FROM pg_depend AS owned
    JOIN pg_class AS sequence ON sequence.oid = owned.objid AND sequence.relkind = 'S'
    WHERE owned.classid = 'pg_class'::regclass
      AND owned.refclassid = 'pg_class'::regclass
      AND owned.deptype IN ('a', 'i')
      AND owned.refobjid::regclass::text = ANY ($1::text[])
    ORDER BY 1
"""


async def find_tables(connection: asyncpg.Connection) -> tuple[MovedTable, ...]:
    """Return all tables with an organisation, the tenants first; the tokens too."""
    return tuple(
        MovedTable(row["name"], tuple(row["columns"]), tuple(row["definition"]), row["has_identity"], row["obstacle"])
        for row in await connection.fetch(TABLES, TENANTS)
    )


async def find_tables_without_organization(connection: asyncpg.Connection) -> list[str]:
    """Return tables of tenants that cannot move, as they do not name the organisation. Idempotency keys are copied."""
    return [row["name"] for row in await connection.fetch(WITHOUT_ORGANIZATION, REQUESTS, TENANTS)]


async def find_missing_references(
    connection: asyncpg.Connection,
    tables: tuple[MovedTable, ...],
    organization_id: object,
    condition: str = "true",
    *arguments: str,
) -> list[str]:
    """Return the foreign keys that rows of the organisation violate: replication does not check them.

    The condition is on `own`, the row that refers to another. Tokens without a tenant are dropped by `copying`.
    """
    violated = []
    for reference in await connection.fetch(REFERENCES, [table.name for table in tables]):
        columns, keys = reference["columns"], reference["keys"]
        is_set = " AND ".join(f"own.{column} IS NOT NULL" for column in columns)
        is_same = " AND ".join(f"other.{key} = own.{column}" for column, key in zip(columns, keys, strict=True))
        query = (
            f"SELECT EXISTS (SELECT FROM {reference['table_name']} AS own WHERE own.organization_id = $1 AND {is_set}"
            f" AND {condition} AND NOT EXISTS (SELECT FROM {reference['referenced']} AS other WHERE {is_same}))"
        )
        if await connection.fetchval(query, organization_id, *arguments):
            violated.append(f"{reference['table_name']} ({reference['name']})")
    return violated


async def advance_sequences(
    source: asyncpg.Connection, target: asyncpg.Connection, tables: tuple[MovedTable, ...]
) -> None:
    """Set the target's sequences beyond the source's: replication inserts values and does not draw them."""
    names = [table.name for table in tables]
    theirs = {row["name"]: row["last_value"] for row in await target.fetch(SEQUENCES, names)}
    for row in await source.fetch(SEQUENCES, names):
        if (row["last_value"] or 0) > (theirs.get(row["name"]) or 0):
            await target.fetchval("SELECT setval($1::text::regclass, $2)", row["name"], row["last_value"])
