"""Questions about a row that somebody may not see, each with a twin that the row answers differently.

Whatever the database lets an attacker observe must be the same for both, or it answers.
"""

import re
from collections.abc import Sequence
from uuid import uuid4

import asyncpg

from tests.support.attempt import attempt
from tests.support.party import Party

EXPLAIN = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)"
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
    "is the name missing": (
        "(CASE WHEN name < '{name}~' THEN 1 END) IS NULL",
        "(CASE WHEN name < '{name}' THEN 1 END) IS NULL",
    ),
}
"""The first is true of the row, the second false; of the last it is the other way round."""


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
