"""An action before it is known whom it concerns."""

from random import Random
from typing import NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from tests.security.model.action import Action, Level, Matched, OnConflict
from tests.security.model.forest import Forest
from tests.security.model.verb import Verb
from tests.security.model.world import World, pick

ABSENT = UUID("ffffffff-ffff-4fff-8fff-ffffffffffff")
NUMBERS = st.integers(0, 2**24 - 1).map(lambda seed: Random(seed).randrange(60))
"""Hypothesis prefers small numbers; spread out, they lead the machine to more cases."""

CONFLICTS: tuple[OnConflict, ...] = ("fail", "fail", "nothing", "update")
MATCHES: tuple[Matched, ...] = ("update", "delete", "nothing")


class Draft(NamedTuple):
    """Numbers instead of ids and names, since Hypothesis draws before it knows the world."""

    verb: Verb
    sort: int
    target: int
    parent: int
    name: int

    def resolve(self, world: World, view: Forest, near: UUID | None) -> Action:
        """Return the action. `near` is the caller's own tenant: half of the actions concern its organisation."""
        note = world.next_write()
        own = [tenant_id for tenant_id, tenant in view.items() if near and near in (tenant_id, tenant.parent_id)]
        tenants = [*world.born, ABSENT]
        target = pick(own if own and self.target % 2 else tenants, self.target // 2)
        parent_id = near if self.parent % 2 else pick([None, *tenants], self.parent // 2)
        names = [f"fresh {note}", *[tenant.name for tenant in view.values()]]
        name = pick(names, self.name // 2 * (self.name % 2))
        stands = target in view
        version = pick([None, None, view[target].version if stands else 1, 7], self.sort)
        level: Level = "parent" if parent_id is None else "subsidiary"
        if self.verb is Verb.SELECT:
            return Action(Verb.SELECT, pick([None, target], self.sort))
        if self.verb is Verb.INSERT:
            if self.sort % 7 == 6:
                level = "subsidiary" if parent_id is None else "parent"
            conflict = pick(CONFLICTS, self.sort)
            return Action(
                Verb.INSERT, tenant_type=level, parent_id=parent_id, name=name, note=note, on_conflict=conflict
            )
        if self.verb is Verb.MERGE:
            return Action(
                Verb.MERGE,
                target,
                tenant_type=level,
                parent_id=parent_id,
                name=f"fresh {note}",
                note=note,
                matched=pick(MATCHES, self.sort),
                unmatched_insert=self.sort % 2 == 0,
            )
        if self.sort % (3 if self.verb is Verb.UPDATE else 6) == 0:
            return Action(self.verb, note=note)
        if self.sort % 12 == 1:
            return Action(self.verb, target, whole_organization=True, note=note)
        renamed = name if self.verb is Verb.UPDATE and self.name % 3 else None
        return Action(self.verb, target, version=version, name=renamed, note=note)


DRAFTS = st.builds(Draft, NUMBERS.map(lambda number: pick(list(Verb), number)), NUMBERS, NUMBERS, NUMBERS, NUMBERS)
