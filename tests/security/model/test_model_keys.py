"""Idempotency-Keys, all cases: each first user of a key, each later user, and each request under it."""

from itertools import product

from tests.security.model.action import Action
from tests.security.model.arena import Arena
from tests.security.model.forest import is_head, organization_of
from tests.security.model.keyed_creation import create_under_key
from tests.security.model.model_token import ModelToken
from tests.security.model.planting import clear, issue, issue_for_operator, kill, plant
from tests.security.model.statements import look, look_at_requests
from tests.security.model.verb import Verb
from tests.security.model.world import World

SAME, SAME_WITHOUT_ITS_TENANT, ANOTHER = "the same body", "the same body, once its tenant is gone", "another body"


async def cast(arena: Arena, world: World) -> list[ModelToken | None]:
    """Return an operator, a head, its subsidiary, another head, a revoked token, and none."""
    admin, forest = arena.as_admin, world.forest
    head, other = (tenant_id for tenant_id in forest if is_head(forest, tenant_id))
    child = next(tenant_id for tenant_id, tenant in forest.items() if tenant.parent_id == head)
    tenants = [await issue(admin, tenant_id, forest[tenant_id]) for tenant_id in (head, child, other)]
    revoked = await kill(admin, await issue(admin, head, forest[head]), expire=False)
    return [await issue_for_operator(admin), *tenants, revoked, None]


def creation_for(world: World, token: ModelToken | None) -> Action:
    """Return a creation in the caller's organisation; in the first one for an operator or without a token."""
    tenant_id = world.client(token).tenant_id or world.born[0]
    note = world.next_write()
    parent_id = organization_of(world.forest, tenant_id)
    return Action(Verb.INSERT, tenant_type="subsidiary", parent_id=parent_id, name=f"fresh {note}", note=note)


async def delete_the_youngest(arena: Arena, world: World) -> None:
    """Delete the tenant that was created last."""
    young = world.born[-1]
    await arena.as_admin.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", young)
    world.write({tenant_id: tenant for tenant_id, tenant in world.forest.items() if tenant_id != young})


async def try_everything(arena: Arena) -> set[str]:
    """Have each of the cast use a key, then each use it again, then the first repeat its request; return the outcomes.

    A caller that is both the first and the second has two tokens.
    """
    await clear(arena.as_admin)
    world, came = World(await plant(arena.as_admin, (2, 1)), []), set()
    firsts, seconds = [await cast(arena, world) for _ in range(2)]
    for first, second, then in product(firsts, seconds, (SAME, SAME_WITHOUT_ITS_TENANT, ANOTHER)):
        key, wanted, born = f"key-{world.writes}", creation_for(world, first), len(world.born)
        came.add(await create_under_key(arena, world, first, wanted, key))
        if then == SAME_WITHOUT_ITS_TENANT and len(world.born) > born:
            await delete_the_youngest(arena, world)
        wanted_then = creation_for(world, second) if then == ANOTHER else wanted
        came.add(await create_under_key(arena, world, second, wanted_then, key))
        came.add(await create_under_key(arena, world, first, wanted, key))
        assert await look(arena.as_admin) == world.forest
    assert await look_at_requests(arena.as_admin) == {key: known.answer for key, known in world.remembered.items()}
    return came


def test_a_key_belongs_to_its_user(arena: Arena) -> None:
    """Whichever caller used a key first, each later answer and each row is what the judge says."""
    assert arena.run(try_everything(arena)) == {
        "no key: 401",
        "key new: 201",
        "key new: 403",
        "key new: 409",
        "key same: 201",
        "key other: 422",
    }
