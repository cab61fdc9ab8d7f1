"""All tenants at one moment, and what constraints, not policies, say about them."""

from collections.abc import Mapping
from uuid import UUID

from tests.security.model.model_event import ModelEvent
from tests.security.model.model_tenant import ModelTenant

type Forest = Mapping[UUID, ModelTenant]

NEW = UUID(int=0)
"""Stands for the id that the database chooses for an inserted tenant."""


def organization_of(forest: Forest, tenant_id: UUID) -> UUID:
    """Return the head of the tenant's organisation."""
    return forest[tenant_id].parent_id or tenant_id


def namesake(forest: Forest, organization_id: UUID | None, name: str | None) -> UUID | None:
    """Return who has the name in an organisation; other organisations' names never matter."""
    for tenant_id, tenant in forest.items():
        if tenant.name == name and organization_of(forest, tenant_id) == organization_id:
            return tenant_id
    return None


def is_head(forest: Forest, tenant_id: UUID) -> bool:
    """Say whether there is such a tenant, and subsidiaries may stand under it: there are two levels, no third."""
    return tenant_id in forest and forest[tenant_id].parent_id is None


def has_orphans(forest: Forest) -> bool:
    """Say whether a subsidiary has lost its parent."""
    return any(tenant.parent_id is not None and tenant.parent_id not in forest for tenant in forest.values())


def changes(before: Forest, after: Forest) -> dict[UUID, ModelTenant | None]:
    """Return what became of each tenant that differs; None, it is gone."""
    return {
        tenant_id: after.get(tenant_id)
        for tenant_id in [*before, *after]
        if before.get(tenant_id) != after.get(tenant_id)
    }


def events(before: Forest, after: Forest) -> list[ModelEvent]:
    """Return what one statement leaves in the audit trail: a line for every tenant that it changed."""
    return [
        ModelEvent(
            organization_of(after if tenant else before, tenant_id),
            tenant_id,
            "deleted" if tenant is None else "updated" if tenant_id in before else "created",
        )
        for tenant_id, tenant in changes(before, after).items()
    ]


def apply(before: Forest, changed: Mapping[UUID, ModelTenant | None]) -> Forest:
    """Return the forest after the changes."""
    return {tenant_id: tenant for tenant_id, tenant in {**before, **changed}.items() if tenant is not None}
