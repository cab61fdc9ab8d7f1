"""One request in the storm."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.support.storm_caller import StormCaller

KEYS = 8
MOST_MADE = 5


@dataclass(frozen=True)
class StormRequest:
    """What is asked, and the answers that are right for a live token."""

    kind: str
    method: str
    target: str
    expected: frozenset[int]
    body: Any = None
    key: str | None = None

    @property
    def content(self) -> bytes | None:
        """The body as it is sent."""
        return None if self.body is None else json.dumps(self.body).encode()

    def headers(self, caller: StormCaller) -> list[tuple[str, str]]:
        """The headers as they are sent."""
        pairs = [("Authorization", f"Bearer {caller.token}")]
        if self.body is not None:
            pairs.append(("Content-Type", "application/json"))
        if self.key is not None:
            pairs.append(("Idempotency-Key", self.key))
        return pairs


def draw(chance: random.Random, caller: StormCaller) -> StormRequest:
    """Choose a request for a caller: mostly right ones, and some that fail at each depth of a transaction."""
    if caller.is_operator:
        target = chance.choice(["/tenants?limit=7", "/tenants?limit=3&tenant_type=parent", "/tenants?limit=50"])
        return StormRequest("operator lists", "GET", target, frozenset({200}))
    kinds, weights = zip(*KINDS.items(), strict=True)
    build: Callable[[random.Random, StormCaller], StormRequest] = chance.choices(kinds, weights)[0]
    return build(chance, caller)


def draw_harmless(chance: random.Random, caller: StormCaller) -> StormRequest:
    """Choose a request whose effect need not be known, because nobody will read its answer."""
    if caller.is_operator:
        return draw(chance, caller)
    build = chance.choice([_list, _list, _read, _replace, _replace, _collide, _replace_hidden, _delete_hidden])
    return build(chance, caller)


def _list(chance: random.Random, _: StormCaller) -> StormRequest:
    target = chance.choice(["/tenants", "/tenants?limit=1000", "/tenants?limit=2"])
    return StormRequest("list", "GET", target, frozenset({200}))


def _read(chance: random.Random, caller: StormCaller) -> StormRequest:
    return StormRequest("read", "GET", f"/tenants/{_own(chance, caller)}", frozenset({200}))


def _read_hidden(chance: random.Random, caller: StormCaller) -> StormRequest:
    return StormRequest("read hidden", "GET", f"/tenants/{chance.choice(caller.hidden)}", frozenset({404}))


def _replace(chance: random.Random, caller: StormCaller) -> StormRequest:
    body = {"name": caller.name, "metadata": {"mark": caller.mark, "n": chance.randrange(10**6)}}
    return StormRequest("replace", "PUT", f"/tenants/{caller.tenant_id}", frozenset({200}), body)


def _replace_hidden(chance: random.Random, caller: StormCaller) -> StormRequest:
    body = {"name": f"{caller.mark} was here", "metadata": {"mark": caller.mark}}
    target = f"/tenants/{chance.choice(caller.hidden)}"
    return StormRequest("replace hidden", "PUT", target, frozenset({404}), body)


def _collide(_: random.Random, caller: StormCaller) -> StormRequest:
    body = {"name": caller.taken, "metadata": {"mark": caller.mark}}
    return StormRequest("collide", "PUT", f"/tenants/{caller.tenant_id}", frozenset({409}), body)


def _create(chance: random.Random, caller: StormCaller) -> StormRequest:
    if caller.is_parent and len(caller.made) > MOST_MADE:
        return _delete(chance, caller)
    parent = caller.tenant_id if caller.is_parent else caller.organization_id
    key = f"same-key-for-all-{chance.randrange(KEYS)}" if chance.random() < 0.4 else None
    tail = key if key and chance.random() < 0.7 else f"{chance.getrandbits(48):x}"
    body = {
        "name": f"{caller.mark} {tail}",
        "tenant_type": "subsidiary",
        "parent_tenant_id": str(parent),
        "metadata": {"mark": caller.mark},
    }
    # Whoever used the key first in this organisation may have asked for something else.
    right = ({201, 422} if key else {201}) if caller.is_parent else {403}
    return StormRequest("create", "POST", "/tenants", frozenset(right), body, key)


def _create_elsewhere(chance: random.Random, caller: StormCaller) -> StormRequest:
    body = {
        "name": f"{caller.mark} smuggled",
        "tenant_type": "subsidiary",
        "parent_tenant_id": str(chance.choice(caller.hidden)),
    }
    return StormRequest("create elsewhere", "POST", "/tenants", frozenset({403}), body)


def _delete(_: random.Random, caller: StormCaller) -> StormRequest:
    if caller.is_parent and caller.made:
        return StormRequest("delete", "DELETE", f"/tenants/{caller.made.pop()}", frozenset({204}))
    return StormRequest("delete oneself", "DELETE", f"/tenants/{caller.tenant_id}", frozenset({403}))


def _delete_hidden(chance: random.Random, caller: StormCaller) -> StormRequest:
    target = f"/tenants/{chance.choice(caller.hidden)}{chance.choice(['', '?cascade=true'])}"
    return StormRequest("delete hidden", "DELETE", target, frozenset({404}))


def _own(chance: random.Random, caller: StormCaller) -> UUID | None:
    return chance.choice([caller.tenant_id, *caller.subsidiaries])


KINDS: dict[Callable[[random.Random, StormCaller], StormRequest], int] = {
    _list: 30,
    _read: 20,
    _read_hidden: 8,
    _replace: 14,
    _replace_hidden: 5,
    _collide: 6,
    _create: 14,
    _create_elsewhere: 3,
    _delete: 12,
    _delete_hidden: 3,
}
