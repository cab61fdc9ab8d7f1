"""Creations under an Idempotency-Key over HTTP, each answer judged."""

import httpx

from tests.security.model.action import Action
from tests.security.model.arena import Arena
from tests.security.model.forest import NEW
from tests.security.model.judge import judge
from tests.security.model.key_judge import KeyVerdict, judge_key, key_owner
from tests.security.model.kind import Kind
from tests.security.model.messages import creation, read
from tests.security.model.model_request import ModelRequest
from tests.security.model.model_token import ModelToken
from tests.security.model.service_judge import INSERT_STATUS
from tests.security.model.world import World

OWN_HEADERS = {"x-request-id", "date"}


async def create_under_key(arena: Arena, world: World, token: ModelToken | None, action: Action, text: str) -> str:
    """Ask for a tenant under a key, judge the answer, move the model, and say what the key was and what came of it."""
    caller, owner = world.client(token), key_owner(world.forest, token)
    headers = {"Idempotency-Key": text} | ({"Authorization": f"Bearer {token.secret}"} if token else {})
    response = await arena.client.post("/tenants", json=creation(action), headers=headers)
    story = (caller, action, text, response.status_code, response.text)
    if owner is None:
        assert caller.kind is Kind.UNAUTHENTICATED
        assert response.status_code == 401, story
        return "no key: 401"
    key = (owner, text)
    if key in world.held_keys():
        assert (response.status_code, response.json()["code"]) == (409, "request_in_progress"), story
        return "key held: 409"

    asked = (action.tenant_type, action.parent_id, action.name, action.note)
    verdict = judge_key(world.remembered, key, asked)
    if verdict is KeyVerdict.OTHER:
        assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused"), story
    elif verdict is KeyVerdict.SAME:
        assert answer_of(response) == world.answers[key], story
    elif response.status_code == 503:
        assert world.may_wait(caller, world.forest), story
    else:
        judged = judge(world.forest, caller, action)
        assert response.status_code == INSERT_STATUS[judged.error], story
        if response.status_code == 201:
            tenant_id, tenant = read(response.json())
            world.born.append(tenant_id)
            world.write({tenant_id if known == NEW else known: row for known, row in judged.forest.items()})
            assert world.forest[tenant_id] == tenant, story
            world.remembered[key] = ModelRequest(asked, str(tenant_id))
            world.answers[key] = answer_of(response)
    return f"key {verdict}: {response.status_code}"


def answer_of(response: httpx.Response) -> object:
    """Return all of an answer that a repetition must repeat."""
    headers = {name: value for name, value in response.headers.items() if name not in OWN_HEADERS}
    return response.status_code, response.content, headers
