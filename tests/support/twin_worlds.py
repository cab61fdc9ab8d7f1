"""Two databases that differ only in what strangers' rows contain, and every question that the catalogue allows."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import URL

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from tests.support.fresh_database import fresh_database

OWN = UUID("80000000-0000-7000-8000-000000000001")
OWN_SUBSIDIARY = UUID("80000000-0000-7000-8000-000000000002")
HIDDEN = 400
SOME_TIME = "2026-01-01T00:00:00Z"
ADD_OWN = """
    INSERT INTO tenancy.tenants (tenant_id, tenant_type, parent_tenant_id, name, created_at, updated_at)
    VALUES ($1, 'parent', NULL, 'Own', $3, $3), ($2, 'subsidiary', $1, 'Own branch', $3, $3)
"""
ADD_HIDDEN = """
    INSERT INTO tenancy.tenants (
        tenant_id, tenant_type, parent_tenant_id, name, metadata, version, created_at, updated_at
    )
    SELECT head.id, 'parent', NULL, $1 || n, jsonb_build_object('note', $1 || n), $3, $4, $4
    FROM generate_series(1, $5::integer) AS n
    CROSS JOIN LATERAL (SELECT ($2 || lpad(to_hex(n), 6, '0') || '-0000-7000-8000-000000000000')::uuid) AS head (id)
"""
ALIGN_EVENTS = "UPDATE tenancy.tenant_events SET occurred_at = $3, event_id = tenant_id WHERE organization_id = $1"
ISSUE = "SELECT tenancy.issue_tenant_token($1, $2, $3, 'test', $4)"
REST = """
    DO $$
    DECLARE
        candidate text;
    BEGIN
        FOR candidate IN
            SELECT class.oid::regclass::text FROM pg_class AS class
            WHERE class.relkind = 'r' AND class.relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
        LOOP
            EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', candidate);
        END LOOP;
    END
    $$
"""
"""Autovacuum would come to one world before the other: when it comes hangs on no content."""

TABLES = """
    SELECT class.oid::regclass::text
    FROM pg_class AS class
    WHERE class.relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
      AND class.relkind IN ('r', 'p')
      AND has_any_column_privilege('tenancy_api', class.oid, 'SELECT')
"""
EXPRESSIONS = """
    SELECT quote_ident(attname) AS expression, atttypid AS type
    FROM pg_attribute
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
    UNION
    SELECT pg_get_indexdef(indexrelid, attnum, true), atttypid
    FROM pg_index
    JOIN pg_attribute ON attrelid = indexrelid
    WHERE indrelid = $1::text::regclass AND indkey[attnum - 1] = 0
"""
JSONB, TEXT, INTEGER = 3802, 25, 23
"""Oids of types, which are the same in every server."""

OPERATORS = """
    SELECT DISTINCT oprname, format_type(oprright, NULL) AS right_type
    FROM pg_operator
    WHERE oprleft IN ($1, 'anyenum'::regtype) AND oprresult = 'boolean'::regtype AND oprrest <> 0
      AND oprright NOT IN ('anyarray'::regtype, 'tsquery'::regtype)
      AND (oprleft = $1 OR $1 IN (SELECT oid FROM pg_type WHERE typtype = 'e'))
"""


@dataclass(frozen=True)
class World:
    """One of the two: connections, and the tokens that are the same in both."""

    as_api: asyncpg.Connection
    as_admin: asyncpg.Connection
    parent_token: str
    subsidiary_token: str


@asynccontextmanager
async def twin_worlds(server_url: URL) -> AsyncIterator[tuple[World, World]]:
    """Make both: the caller's rows and tokens are equal, the strangers' names, ids, versions and times are not."""
    tokens = new_access_token(), new_access_token()
    contents = (("aaaa", "01", 1, "2026-02-02T00:00:00Z"), ("zzzz", "f1", 7, "2026-11-11T00:00:00Z"))
    async with fresh_database(server_url) as first, fresh_database(server_url) as second:
        worlds = []
        for database, (name, prefix, version, moment) in zip((first, second), contents, strict=True):
            as_api, as_admin = await database.connect_as_api(), await database.connect_as_admin()
            as_operator = await database.connect_as_operator()
            await as_admin.execute("SET timezone = 'UTC'")
            await as_admin.execute(REST)
            await as_admin.execute(
                ADD_OWN.replace("$1", f"'{OWN}'").replace("$2", f"'{OWN_SUBSIDIARY}'").replace("$3", f"'{SOME_TIME}'")
            )
            hidden = ADD_HIDDEN.replace("$1", f"'{name}'").replace("$2", f"'{prefix}'").replace("$4", f"'{moment}'")
            await as_admin.execute(hidden.replace("$3", str(version)).replace("$5::integer", str(HIDDEN)))
            await as_admin.execute(ALIGN_EVENTS.replace("$1", f"'{OWN}'").replace("$3", f"'{SOME_TIME}'"))
            for token, tenant_id in zip(tokens, (OWN, OWN_SUBSIDIARY), strict=True):
                await as_operator.execute(ISSUE, hash_access_token(token), OWN, tenant_id, timedelta(hours=1))
            await as_operator.close()
            worlds.append(World(as_api, as_admin, *tokens))
        try:
            yield worlds[0], worlds[1]
        finally:
            for world in worlds:
                await world.as_api.close()
                await world.as_admin.close()


async def questions(world: World, other: World) -> list[str]:
    """Return queries on every table that the service may read: each column, index expression and operator."""
    found = []
    for (table,) in await world.as_admin.fetch(TABLES):
        for expression, kind in await world.as_admin.fetch(EXPRESSIONS, table):
            constants = [await _extreme(one, table, expression, most) for one, most in ((world, "max"), (other, "min"))]
            for operator, right_type in await world.as_admin.fetch(OPERATORS, kind):
                found += [
                    f"SELECT FROM {table} WHERE {expression} {operator} {value}::{right_type}"
                    for value in constants
                    if await _is_understood(world, f"SELECT {value}::{right_type}")
                ]
            found += _shapes(table, expression)
            found += _free(table, expression, kind, constants)
    return found


def _shapes(table: str, expression: str) -> Iterator[str]:
    """Return what asks for the number of distinct, missing and matching values, and for their width."""
    yield f"SELECT FROM {table} WHERE {expression} IS NULL"
    yield f"SELECT FROM {table} WHERE {expression} IS NOT NULL"
    yield f"SELECT {expression} FROM {table} GROUP BY 1"
    yield f"SELECT {expression} FROM {table} ORDER BY 1 LIMIT 5"
    yield (
        f"SELECT FROM (SELECT {expression} AS v FROM {table}) AS a"
        f" JOIN (SELECT {expression} AS v FROM {table}) AS b USING (v)"
    )


def _free(table: str, expression: str, kind: int, constants: list[str]) -> Iterator[str]:
    """Return conditions that cost the planner nothing: subscripts, of a value or by it."""
    if kind == JSONB:
        yield f"SELECT FROM {table} WHERE ({expression})['x'] IS NOT NULL"
    for value in constants:
        if kind == TEXT:
            known = json.dumps({value[1:-1]: 1})
            yield f"SELECT FROM {table} WHERE ('{known}'::jsonb)[{expression}] IS NOT NULL"
        if kind == INTEGER:
            number = value.strip("'")
            yield f"SELECT FROM {table} WHERE ('[{number}:{number}]={{7}}'::int[])[{expression}] IS NOT NULL"


async def _extreme(world: World, table: str, expression: str, most: str) -> str:
    """Return a literal of a stranger's value: the largest or the smallest as text."""
    value = await world.as_admin.fetchval(
        f"SELECT {most}(({expression})::text) FROM {table} WHERE organization_id <> $1",
        OWN,
    )
    quoted: str = await world.as_admin.fetchval("SELECT quote_literal($1::text)", value or "x")
    return quoted


async def _is_understood(world: World, query: str) -> bool:
    try:
        await world.as_admin.fetch(query)
    except asyncpg.PostgresError:
        return False
    return True
