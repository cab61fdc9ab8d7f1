"""Every small forest of tenants, every caller, every verb: the database does what the judge says."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from uuid import UUID, uuid4

import asyncpg

from tests.security.model.action import Action, Level, Matched, OnConflict
from tests.security.model.arena import Arena
from tests.security.model.forest import NEW, Forest, is_head, organization_of
from tests.security.model.judge import judge, recognize, rows_for
from tests.security.model.model_token import ModelToken
from tests.security.model.planting import clear, issue, issue_for_leaver, issue_for_operator, kill, plant, shapes
from tests.security.model.profile import PROFILES
from tests.security.model.statements import LOOK, forest_of, look, perform
from tests.security.model.verb import Verb

ABSENT = uuid4()
FRESH, TAKEN = "an unused name", "name 1"
LEVELS: tuple[Level, ...] = ("parent", "subsidiary")
CONFLICTS: tuple[OnConflict, ...] = ("fail", "nothing", "update")
MATCHES: tuple[Matched, ...] = ("nothing", "update", "delete")

type Disguise = tuple[ModelToken | None, bool]
"""The token presented, and whether the role is tenancy_platform."""

PRESENT = "SELECT set_config('app.current_tenant', $1, true)"
AS_PLATFORM = "SET LOCAL ROLE tenancy_platform"


def actions(forest: Forest) -> Iterator[Action]:
    """Yield every action there is on a forest, those on an absent id included."""
    tenants = [*forest, ABSENT]
    for target in (None, *tenants):
        yield Action(Verb.SELECT, target)
        yield Action(Verb.UPDATE, target, note=1)
        yield Action(Verb.DELETE, target)
    for target, name in product(tenants, (FRESH, TAKEN)):
        yield Action(Verb.UPDATE, target, name=name, note=1)
    for target, version in product(forest, (1, 2)):
        yield Action(Verb.UPDATE, target, version=version, note=1)
        yield Action(Verb.DELETE, target, version=version)
    for target in tenants:
        yield Action(Verb.SELECT, target, whole_organization=True)
        yield Action(Verb.UPDATE, target, whole_organization=True, note=1)
        yield Action(Verb.DELETE, target, whole_organization=True)
    for level, parent_id, name, conflict in product(LEVELS, (None, *tenants), (FRESH, TAKEN), CONFLICTS):
        yield Action(Verb.INSERT, tenant_type=level, parent_id=parent_id, name=name, note=1, on_conflict=conflict)
    for target, matched in product(tenants, MATCHES):
        yield Action(Verb.MERGE, target, matched=matched, note=1)
    for target, parent_id, matched in product((ABSENT, *forest), (None, *tenants), MATCHES[1:]):
        fitting: Level = "parent" if parent_id is None else "subsidiary"
        yield Action(
            Verb.MERGE,
            target,
            matched=matched,
            tenant_type=fitting,
            parent_id=parent_id,
            name=FRESH,
            note=1,
            unmatched_insert=True,
        )


async def callers(as_admin: asyncpg.Connection, forest: Forest, *, every: bool) -> list[Disguise]:
    """Return every caller, or some that stand for all: tenants, an operator, and invalid tokens, in either role."""
    live = [await issue_for_operator(as_admin)]
    live += [await issue(as_admin, tenant_id, forest[tenant_id]) for tenant_id in (forest if every else seats(forest))]
    dead = [await issue_for_leaver(as_admin, forest)]
    if every:
        dead.append(ModelToken("mtdb_never-issued", None, dead=True))
        for expire in (True, False):
            dead.append(await kill(as_admin, await issue_for_operator(as_admin), expire=expire))
            for tenant_id, tenant in list(forest.items())[:1]:
                dead.append(await kill(as_admin, await issue(as_admin, tenant_id, tenant), expire=expire))
                dead.append(ModelToken(str(tenant_id), None, dead=True))
    return list(product([None, *live, *dead], (False, True)))


def seats(forest: Forest) -> list[UUID]:
    """Return one tenant for each position: a head, or a subsidiary, of an organisation of some size."""
    sizes = Counter(organization_of(forest, tenant_id) for tenant_id in forest)
    position = {
        (sizes[organization_of(forest, tenant_id)], is_head(forest, tenant_id)): tenant_id for tenant_id in forest
    }
    return list(position.values())


async def attack(arena: Arena, sizes: tuple[int, ...], *, every_caller: bool) -> int:
    """Try every action of every caller on one forest, and return how many callers these are.

    Each action is rolled back, so the forest is the same for all.
    """
    api = arena.as_api[0]
    await clear(arena.as_admin)
    forest = await plant(arena.as_admin, sizes)
    cast = await callers(arena.as_admin, forest, every=every_caller)
    onlooker = next(token for token, _ in cast if token and token.holder == "operator")
    for token, as_platform in cast:
        caller = recognize(forest, token, as_platform=as_platform)
        await api.execute("BEGIN")
        if token:
            await api.execute(PRESENT, token.secret)
        await api.execute(f"{AS_PLATFORM if as_platform else ''}; SAVEPOINT before")
        for action in actions(forest):
            verdict, observed = judge(forest, caller, action), await perform(api, action)
            story = (sizes, forest, caller, as_platform, action, verdict, observed)
            assert observed.fits(verdict), story
            if action.verb is Verb.SELECT:
                assert observed.rows is None or observed.rows == rows_for(forest, caller, action), story
            elif observed.error is None:
                await api.execute(f"SELECT set_config('app.current_tenant', '{onlooker.secret}', true); {AS_PLATFORM}")
                assert with_new(forest, forest_of(await api.fetch(f"{LOOK} -- all"))) == verdict.forest, story
            await api.execute("ROLLBACK TO SAVEPOINT before")
            arena.steps += 1
        await api.execute("ROLLBACK")
    assert await look(arena.as_admin) == forest
    return len(cast)


def with_new(before: Forest, after: Forest) -> Forest:
    """Return the forest with the model's placeholder for the id that the database chose."""
    return {tenant_id if tenant_id in before else NEW: tenant for tenant_id, tenant in after.items()}


def test_the_database_does_what_the_judge_says(
    arena: Arena, attack_profile: str, announce: Callable[[str], None], record_property: Callable[[str, str], None]
) -> None:
    """On every forest up to the profile's size, each statement of each caller sees, writes and refuses as judged."""
    profile, begin, steps = PROFILES[attack_profile], time.monotonic(), arena.steps
    forests = [sizes for tenants in range(profile.tenants + 1) for sizes in shapes(tenants)]
    callers = 0
    for sizes in forests:
        every_caller = sum(sizes) <= profile.tenants_with_every_caller
        callers += arena.run(attack(arena, sizes, every_caller=every_caller))

    taken, seconds = arena.steps - steps, time.monotonic() - begin
    announce(
        f"exhaustive: {len(forests)} forests, {taken} statements in {seconds:.1f} s, {taken / seconds:.0f} a second"
    )
    record_property(
        f"every forest of up to {profile.tenants} tenants",
        f"{len(forests)} forests, {callers:,} callers on them, {taken:,} statements judged",
    )
