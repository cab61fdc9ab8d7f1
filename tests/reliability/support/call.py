"""A request that a client means to see done."""

from typing import Any, NamedTuple
from uuid import UUID, uuid4


class Call(NamedTuple):
    """What is sent, which answers are right, and which besides once it had to be repeated."""

    method: str
    target: str
    right: frozenset[int]
    right_again: frozenset[int] = frozenset()
    body: dict[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()


def creation(name: str, number: int, parent: UUID | str | None) -> Call:
    """Return the creation of a tenant with its number, as a client sends it that must not repeat it."""
    return Call(
        "POST",
        "/tenants",
        right=frozenset({201}),
        body={
            "name": name,
            "tenant_type": "subsidiary" if parent else "parent",
            "parent_tenant_id": str(parent) if parent else None,
            "metadata": {"number": number},
        },
        headers=(("Idempotency-Key", str(uuid4())),),
    )
