"""Questions about a row that somebody may not see, each with a twin that the row answers differently.

Whatever the database lets an attacker observe must be the same for both, or it answers.
"""

import re
from collections.abc import Sequence
from uuid import uuid4

import asyncpg

from tests.support.attempt import attempt
from tests.support.party import Party

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF, SUMMARY OFF)"
CONDITION = re.compile(r"^\s*(?:Filter|\w+ Cond):")

QUESTIONS = {
    "is the name this": ("name = '{name}'", "name = '{name}x'"),
    "is the name one of these": ("name = ANY (ARRAY['{name}'])", "name = ANY (ARRAY['{name}x'])"),
    "is the name below this": ("name < '{name}~'", "name < '{name}'"),
    "is the name below one of these": ("name < ANY (ARRAY['{name}~'])", "name < ANY (ARRAY['{name}'])"),
    "is the id this": ("tenant_id = '{tenant_id}'", "tenant_id = '{absent}'"),
    "is the id one of these": ("tenant_id = ANY ('{{{tenant_id}}}')", "tenant_id = ANY ('{{{absent}}}')"),
    "is the organisation this": ("organization_id = '{organization_id}'", "organization_id = '{absent}'"),
    "is the organisation one of these": (
        "organization_id = ANY ('{{{organization_id}}}')",
        "organization_id = ANY ('{{{absent}}}')",
    ),
    "was it created by then": ("created_at <= '{created_at}'", "created_at < '{created_at}'"),
    "was it created by one of then": (
        "created_at <= ANY ('{{{created_at}}}')",
        "created_at < ANY ('{{{created_at}}}')",
    ),
    "is the version this": ("version = 1", "version = 2"),
    "is the version one of these": ("version = ANY (ARRAY[1])", "version = ANY (ARRAY[2])"),
    "is the name a key of this": (
        """('{{"{name}": 1}}'::jsonb)[name] IS NOT NULL""",
        """('{{"{name}x": 1}}'::jsonb)[name] IS NOT NULL""",
    ),
    "is the version an index of this": (
        "('[1:1]={{7}}'::int[])[version] IS NOT NULL",
        "('[2:2]={{7}}'::int[])[version] IS NOT NULL",
    ),
    "is there no such metadata": ("metadata['x']['y'] IS NULL", "metadata['x']['y'] IS NOT NULL"),
    "is it of itself": ("tenant_id IS NOT NULL AND parent_tenant_id IS NULL", "parent_tenant_id IS NOT NULL"),
    "is the name missing": (
        "(CASE WHEN name < '{name}~' THEN 1 END) IS NULL",
        "(CASE WHEN name < '{name}' THEN 1 END) IS NULL",
    ),
}
"""The first is true of the row, the second false; of the last it is the other way round."""


COLUMNS = """
    SELECT attname, atttypid::regtype::text AS kind, attnotnull
    FROM pg_attribute
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""


async def free_twins(as_admin: asyncpg.Connection, table: str, address: str) -> list[tuple[str, str]]:
    """Return pairs of conditions that cost the planner nothing, on every column; one of each pair is true of the row.

    They are tests for NULL and subscripts: of a dictionary or an array by a column, and of a column.
    """
    pairs = []
    for column, kind, never_null in await as_admin.fetch(COLUMNS, table):
        query = f"SELECT {column}::text FROM {table} WHERE ctid = $1::text::tid"
        value = await as_admin.fetchval(query, address)
        if not never_null:  # else the planner knows the answer without a row
            pairs.append((f"{column} IS NULL", f"{column} IS NOT NULL"))
        if kind == "jsonb":
            pairs.append((f"{column}['x'] IS NULL", f"{column}['x'] IS NOT NULL"))
        if kind == "text" and value is not None:
            known = await as_admin.fetchval("SELECT quote_literal(jsonb_build_object($1::text, 1)::text)", value)
            pairs.append(
                (f"({known}::jsonb)[{column}] IS NOT NULL", f"""('{{"nobody": 1}}'::jsonb)[{column}] IS NOT NULL""")
            )
        if kind == "integer" and value is not None:
            known, other = (f"('[{n}:{n}]={{7}}'::int[])[{column}] IS NOT NULL" for n in (value, int(value) + 1))
            pairs.append((known, other))
    return pairs


async def twins(as_admin: asyncpg.Connection, victim: Party, question: str) -> tuple[str, str, str]:
    """Return the victim's row's address, and a question about the row in both forms."""
    row = await as_admin.fetchrow(
        "SELECT ctid::text AS address, tenant_id, organization_id, name, created_at FROM tenancy.tenants"
        " WHERE tenant_id = $1",
        victim.tenant_id,
    )
    first, second = (form.format(**dict(row), absent=uuid4()) for form in QUESTIONS[question])
    return row["address"], first, second


async def explained(  # noqa: PLR0913 - each is a part of one question
    connection: asyncpg.Connection,
    token: str | None,
    query: str,
    settings: Sequence[str] = (),
    *,
    as_platform: bool,
    explain: str = EXPLAIN,
) -> list[str]:
    """Return what EXPLAIN shows of a query, without the conditions' own text."""
    statements = [f"SET LOCAL {setting}" for setting in settings]
    rows = await attempt(connection, token, *statements, f"{explain} {query}", as_platform=as_platform)
    return [row[0] for row in rows if not CONDITION.match(row[0])]
