"""The bank story as sample data."""

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from multi_tenant_db.models import TenantRow, TenantType
from multi_tenant_db.repositories.tenant_repository import TenantRepository


def read_sample_data() -> list[dict[str, Any]]:
    """Return the banking groups, each with its subsidiaries."""
    story = resources.files("multi_tenant_db.sample_data") / "banks.json"
    groups: list[dict[str, Any]] = json.loads(story.read_text(encoding="utf-8"))
    return groups


MADE_UP = {"made_up": True}
ORGANIZATION_SIZE = 10
MADE_UP_AT_ONCE = 2_000
"""In one statement, so that it takes a second or so, and progress can be told in between."""


class SeedService:
    """Adds sample data as a platform operator, and changes nothing that is there."""

    def __init__(self, tenants: TenantRepository) -> None:
        self._tenants = tenants

    async def seed(self, groups: list[dict[str, Any]]) -> int:
        """Add what is missing of the bank story, and return how many tenants were added."""
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

    async def add_made_up(self, tenants: int, advance: Callable[[int], None]) -> None:
        """Add so many tenants besides, in organisations of ten; `advance` hears of every two thousand."""
        for already in range(0, tenants, MADE_UP_AT_ONCE):
            count = min(MADE_UP_AT_ONCE, tenants - already)
            await self._tenants.add_organizations(count, ORGANIZATION_SIZE, MADE_UP)
            advance(count)

    async def _find_parent(self, name: str) -> TenantRow | None:
        namesakes = await self._tenants.find_by_name(name)
        return next((tenant for tenant in namesakes if tenant.tenant_type is TenantType.PARENT), None)
