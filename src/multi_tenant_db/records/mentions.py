"""SQL conditions on texts that mention an erased tenant."""

from collections.abc import Iterable

UUIDS = "[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
"""With or without hyphens; in lower case."""


def mentions_an_id(text: str) -> str:
    """Return the condition that a text has one of the ids `$1`, an array. NULL has none."""
    return (
        f"EXISTS (SELECT FROM regexp_matches(lower({text}), '{UUIDS}', 'g') AS found (id)"
        " WHERE found.id[1]::uuid = ANY ($1::uuid[]))"
    )


def patterns_of(names: Iterable[str]) -> list[str]:
    """Return patterns for ILIKE that match texts with one of the names."""
    escaped = (name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for name in names)
    return [f"%{name}%" for name in escaped]
