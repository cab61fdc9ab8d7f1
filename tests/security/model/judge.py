"""The judge: who may do what. It uses no SQL, no policies, no intervals and no tokens' hashes.

caller             sees, updates                   inserts                    deletes
platform operator  all                             parents and subsidiaries   all
parent             itself and its subsidiaries     subsidiaries under itself  its subsidiaries, not itself
subsidiary         itself                          nothing                    nothing
unauthenticated    nothing                         nothing                    nothing
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from tests.security.model.action import Action
from tests.security.model.forest import NEW, Forest, has_orphans, is_head, namesake, organization_of
from tests.security.model.kind import Kind
from tests.security.model.model_caller import ModelCaller
from tests.security.model.model_event import ModelEvent
from tests.security.model.model_tenant import ModelTenant
from tests.security.model.model_token import ModelToken
from tests.security.model.verb import Verb
from tests.security.model.verdict import Verdict

NOT_PERMITTED = "42501"
INVALID_TOKEN = "28000"
LEVELS_VIOLATED = "23514"
NAME_TAKEN = "23505"
NO_SUCH_PARENT = HAS_SUBSIDIARIES = "23503"

EVERYTHING = Action(Verb.SELECT)


def recognize(forest: Forest, token: ModelToken | None, *, as_platform: bool) -> ModelCaller:
    """Return the caller that presents this token: a platform operator must act as one, and no other caller may."""
    if token is None:
        return ModelCaller(Kind.UNAUTHENTICATED)
    if token.dead or (token.holder != "operator" and token.holder not in forest):
        return ModelCaller(Kind.UNAUTHENTICATED, bad_token=True)
    if token.holder == "operator" or as_platform:
        return ModelCaller(Kind.OPERATOR if token.holder == "operator" and as_platform else Kind.UNAUTHENTICATED)
    assert token.holder is not None
    return ModelCaller(Kind.PARENT if is_head(forest, token.holder) else Kind.SUBSIDIARY, token.holder)


def visible(forest: Forest, caller: ModelCaller) -> set[UUID]:
    """Return the tenants that the caller sees, and may update."""
    match caller.kind, caller.tenant_id:
        case Kind.OPERATOR, None:
            return set(forest)
        case Kind.PARENT, UUID() as myself:
            return {tenant_id for tenant_id, tenant in forest.items() if myself in (tenant_id, tenant.parent_id)}
        case Kind.SUBSIDIARY, UUID() as myself:
            return {myself}
        case _:
            return set()


def deletable(forest: Forest, caller: ModelCaller) -> set[UUID]:
    """Return the tenants that the caller may delete."""
    match caller.kind:
        case Kind.OPERATOR:
            return visible(forest, caller)
        case Kind.PARENT:
            return {tenant_id for tenant_id in visible(forest, caller) if tenant_id != caller.tenant_id}
        case _:
            return set()


def may_insert(caller: ModelCaller, parent_id: UUID | None) -> bool:
    """Say whether the caller may insert under this parent; without one, a parent."""
    match caller.kind:
        case Kind.OPERATOR:
            return True
        case Kind.PARENT:
            return parent_id == caller.tenant_id
        case _:
            return False


def judge(forest: Forest, caller: ModelCaller, action: Action) -> Verdict:
    """Say what must come of the action."""
    match action.verb:
        case Verb.SELECT:
            return Verdict(forest, len(targets(forest, visible(forest, caller), action)), None, caller.bad_token)
        case Verb.INSERT:
            return _insert(forest, caller, action)
        case Verb.UPDATE:
            return _update(forest, caller, action)
        case Verb.DELETE:
            return _delete(forest, caller, targets(forest, deletable(forest, caller), action))
        case Verb.MERGE:
            return _merge(forest, caller, action)


def rows_for(forest: Forest, caller: ModelCaller, action: Action = EVERYTHING) -> Forest:
    """Return the tenants, with every column, that the caller's SELECT must give."""
    return {tenant_id: forest[tenant_id] for tenant_id in targets(forest, visible(forest, caller), action)}


def events_for(trail: Iterable[ModelEvent], caller: ModelCaller) -> Counter[ModelEvent]:
    """Return the events that the caller sees: those of tenants in its reach, deleted ones included."""
    match caller.kind:
        case Kind.OPERATOR:
            return Counter(trail)
        case Kind.PARENT:
            return Counter(event for event in trail if event.organization_id == caller.tenant_id)
        case Kind.SUBSIDIARY:
            return Counter(event for event in trail if event.tenant_id == caller.tenant_id)
        case _:
            return Counter()


def targets(forest: Forest, allowed: set[UUID], action: Action) -> set[UUID]:
    """Return the tenants in the caller's reach that the statement's WHERE selects."""
    if action.target is None:
        return allowed
    if action.whole_organization:
        return {tenant_id for tenant_id in allowed if organization_of(forest, tenant_id) == action.target}
    return {
        tenant_id
        for tenant_id in allowed
        if tenant_id == action.target and action.version in (None, forest[tenant_id].version)
    }


def _insert(forest: Forest, caller: ModelCaller, action: Action) -> Verdict:  # noqa: PLR0911 - in PostgreSQL's order
    if not may_insert(caller, action.parent_id):
        return Verdict(forest, error=INVALID_TOKEN if caller.bad_token else NOT_PERMITTED)
    if (action.tenant_type == "subsidiary") != (action.parent_id is not None):
        return Verdict(forest, error=LEVELS_VIOLATED)

    rival = namesake(forest, action.parent_id, action.name)
    if rival is not None:
        match action.on_conflict:
            case "fail":
                return Verdict(forest, error=NAME_TAKEN)
            case "nothing":
                return Verdict(forest)
            case "update":
                return Verdict({**forest, rival: forest[rival].written(note=action.note)}, 1)

    if action.parent_id is not None and not is_head(forest, action.parent_id):
        return Verdict(forest, error=NO_SUCH_PARENT)
    assert action.name is not None
    return Verdict({**forest, NEW: ModelTenant(action.parent_id, action.name, action.note)}, 1)


def _update(forest: Forest, caller: ModelCaller, action: Action) -> Verdict:
    found = targets(forest, visible(forest, caller), action)
    for tenant_id in found:
        if namesake(forest, organization_of(forest, tenant_id), action.name) not in (None, tenant_id):
            return Verdict(forest, error=NAME_TAKEN)
    written = {tenant_id: forest[tenant_id].written(note=action.note, name=action.name) for tenant_id in found}
    return Verdict({**forest, **written}, len(found), None, caller.bad_token)


def _delete(forest: Forest, caller: ModelCaller, doomed: set[UUID]) -> Verdict:
    rest = {tenant_id: tenant for tenant_id, tenant in forest.items() if tenant_id not in doomed}
    if has_orphans(rest):
        return Verdict(forest, error=HAS_SUBSIDIARIES)
    return Verdict(rest, len(doomed), None, caller.bad_token)


def _merge(forest: Forest, caller: ModelCaller, action: Action) -> Verdict:
    """MERGE takes a hidden row for an absent one, and refuses loudly what it sees but may not delete."""
    found = targets(forest, visible(forest, caller), action)
    if not found:
        return (
            _insert(forest, caller, action) if action.unmatched_insert else Verdict(forest, 0, None, caller.bad_token)
        )
    match action.matched:
        case "nothing":
            return Verdict(forest)
        case "update":
            return _update(forest, caller, replace(action, name=None))
        case "delete" if found <= deletable(forest, caller):
            return _delete(forest, caller, found)
        case "delete":
            return Verdict(forest, error=NOT_PERMITTED)
