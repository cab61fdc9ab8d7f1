"""Sample data and generated tenants."""

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from multi_tenant_db.models import TenantRow, TenantType
from multi_tenant_db.repositories.tenant_repository import TenantRepository


def read_sample_data() -> list[dict[str, Any]]:
    """Return the banking groups, each with its subsidiaries."""
    file = resources.files("multi_tenant_db.sample_data") / "banks.json"
    groups: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return groups


GENERATED = {"generated": True}
ORGANIZATION_SIZE = 10
GENERATED_BATCH = 2_000
"""Tenants per batch, which takes about a second; progress is reported after each."""


def spread(generated: int, servers: int) -> list[int]:
    """Return how many generated tenants each server gets: whole organisations in turn, the last may be smaller."""
    organizations, rest = divmod(generated, ORGANIZATION_SIZE)
    shares = [len(range(place, organizations, servers)) * ORGANIZATION_SIZE for place in range(servers)]
    shares[organizations % servers] += rest
    return shares


class SeedService:
    """Adds tenants to a server as a platform operator; changes no existing tenant."""

    def __init__(self, tenants: TenantRepository) -> None:
        self._tenants = tenants

    async def present(self, names: list[str]) -> set[str]:
        """Return those of the names that parents on this server have."""
        return {name for name in names if await self._find_parent(name) is not None}

    async def seed(self, groups: list[dict[str, Any]]) -> int:
        """Add the missing tenants of the sample data; return how many were added."""
        added = 0
        for group in groups:
            parent = await self._find_parent(group["name"])
            if parent is None:
                parent = await self._tenants.add(
                    name=group["name"],
                    tenant_type=TenantType.PARENT,
                    parent_tenant_id=None,
                    metadata=group["metadata"],
                )
                added += 1
            present = {tenant.name for tenant in await self._tenants.list_organization(parent.organization_id)}
            for subsidiary in group["subsidiaries"]:
                if subsidiary["name"] not in present:
                    await self._tenants.add(
                        name=subsidiary["name"],
                        tenant_type=TenantType.SUBSIDIARY,
                        parent_tenant_id=parent.tenant_id,
                        metadata=subsidiary["metadata"],
                    )
                    added += 1
        return added

    async def add_generated(self, tenants: int, advance: Callable[[int], None]) -> None:
        """Add generated tenants in organisations of ten; call `advance` with the size of each batch."""
        for added in range(0, tenants, GENERATED_BATCH):
            count = min(GENERATED_BATCH, tenants - added)
            await self._tenants.add_organizations(count, ORGANIZATION_SIZE, GENERATED)
            advance(count)

    async def _find_parent(self, name: str) -> TenantRow | None:
        same_name = await self._tenants.find_by_name(name)
        return next((tenant for tenant in same_name if tenant.tenant_type is TenantType.PARENT), None)
