"""Actions in HTTP, and what the service answers."""

from typing import Any
from uuid import UUID

from tests.security.model.action import Action, Level
from tests.security.model.forest import Forest
from tests.security.model.model_tenant import ModelTenant
from tests.security.model.verb import Verb


def over_http(action: Action, forest: Forest) -> Action:
    """Return the action as far as the service offers it: one tenant at a time, and no statement of one's own."""
    target = action.target or next(iter(forest), UUID(int=1))
    name = action.name or (forest[target].name if target in forest else "whatever")
    match action.verb:
        case Verb.INSERT | Verb.MERGE:
            level: Level = "parent" if action.parent_id is None else "subsidiary"
            name = action.name or f"fresh {action.note}"
            return Action(Verb.INSERT, tenant_type=level, parent_id=action.parent_id, name=name, note=action.note)
        case Verb.UPDATE:
            return Action(Verb.UPDATE, target, version=action.version, name=name, note=action.note)
        case verb:
            return Action(verb, target, version=action.version if verb is Verb.DELETE else None)


def creation(action: Action) -> dict[str, Any]:
    """Return the body that asks for the tenant."""
    return {
        "name": action.name,
        "tenant_type": action.tenant_type,
        "parent_tenant_id": str(action.parent_id) if action.parent_id else None,
        "metadata": {"note": action.note},
    }


def read(item: dict[str, Any]) -> tuple[UUID, ModelTenant]:
    """Return a tenant of an answer as the model writes it."""
    parent_id = UUID(item["parent_tenant_id"]) if item["parent_tenant_id"] else None
    assert item["tenant_type"] == ("subsidiary" if parent_id else "parent")
    return UUID(item["tenant_id"]), ModelTenant(parent_id, item["name"], item["metadata"]["note"], item["version"])
