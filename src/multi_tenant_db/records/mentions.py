"""SQL conditions on texts that mention an erased tenant."""

from collections.abc import Iterable

import asyncpg

UUIDS = "[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
"""With or without hyphens; in lower case."""

LOWER = "SELECT lower(pattern) AS pattern FROM unnest($1::text[]) AS pattern"


def mentions_an_id(text: str) -> str:
    """Return the condition that a text has one of the ids `$1`, an array. NULL has none."""
    return (
        f"EXISTS (SELECT FROM regexp_matches(lower({text}), '{UUIDS}', 'g') AS found (id)"
        " WHERE found.id[1]::uuid = ANY ($1::uuid[]))"
    )


def mentions_a_name(text: str, patterns: str) -> str:
    """Return the condition that a text has one of the names of `patterns_of`, in any case; faster than ILIKE."""
    return f"lower({text}) LIKE ANY ({patterns}::text[])"


async def patterns_of(connection: asyncpg.Connection, names: Iterable[str]) -> list[str]:
    """Return patterns of the names, also as JSON, arrays and rows have them, in the server's lower case."""
    forms = sorted({form for name in names for form in _forms(name)})
    escaped = (form.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for form in forms)
    rows = await connection.fetch(LOWER, [f"%{form}%" for form in escaped])
    return [row["pattern"] for row in rows]


def _forms(name: str) -> tuple[str, str, str]:
    escaped = name.replace("\\", "\\\\")
    return name, escaped.replace('"', '\\"'), escaped.replace('"', '""')
