"""Request bodies."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

from tests.support.party import Party


def a_parent(name: str | None = None, **members: Any) -> dict[str, Any]:
    """Return the body that creates the head of a new organisation; the name is a fresh one unless given."""
    return {"name": name or f"Bank {uuid4().hex[:8]}", "tenant_type": "parent"} | members


def a_subsidiary_of(parent: Party | UUID, name: str | None = None, **members: Any) -> dict[str, Any]:
    """Return the body that creates a subsidiary; the name is a fresh one unless given."""
    parent_tenant_id = str(parent.tenant_id if isinstance(parent, Party) else parent)
    name = name or f"Branch {uuid4().hex[:8]}"
    return {"name": name, "tenant_type": "subsidiary", "parent_tenant_id": parent_tenant_id} | members


def a_replacement(name: str | None = None, **metadata: Any) -> dict[str, Any]:
    """Return the body that replaces name and metadata; the name is a fresh one unless given."""
    return {"name": name or f"Renamed {uuid4().hex[:8]}", "metadata": metadata}


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Send a body without saying how long it is."""
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]
