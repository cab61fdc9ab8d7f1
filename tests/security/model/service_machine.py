"""What the machine asks of the service over HTTP, while its own connections hold their transactions open."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import text

from multi_tenant_db.database.tenant_session import transaction
from tests.security.model.action import Action
from tests.security.model.connection_machine import ConnectionMachine
from tests.security.model.draft import DRAFTS, NUMBERS, Draft
from tests.security.model.forest import NEW, is_head
from tests.security.model.judge import judge, rows_for
from tests.security.model.kind import Kind
from tests.security.model.messages import creation, over_http, read
from tests.security.model.model_tenant import ModelTenant
from tests.security.model.model_token import ModelToken
from tests.security.model.service_judge import expected_status
from tests.security.model.verb import Verb

POISON = text("SELECT set_config('app.current_tenant', :token, false)")


class ServiceMachine(ConnectionMachine):
    """The service has two pooled connections, which serve all callers in turn."""

    async def send(self, method: str, path: str, token: ModelToken | None, **more: Any) -> httpx.Response:
        """Call the service with a token, or with none."""
        headers = {"Authorization": f"Bearer {token.secret}"} if token else {}
        headers |= more.pop("headers", {})
        return await self.arena.client.request(method, path, headers=headers, **more)

    @rule(first=NUMBERS, second=NUMBERS, limit=st.integers(1, 4), poison=NUMBERS)
    def list_at_once(self, first: int, second: int, limit: int, poison: int) -> None:
        """Two callers page through their lists at the same time, over the same two connections."""
        tokens = [self.world.pick_token(number) for number in (first, second)]
        if poison % 2:
            self.arena.run(self._poison_the_pool(self.world.pick_token(poison)))

        async def both() -> list[list[tuple[UUID, ModelTenant]] | None]:
            return await asyncio.gather(*(self._read_pages(token, limit) for token in tokens))

        for token, pages in zip(tokens, self.arena.run(both()), strict=True):
            caller = self.world.client(token)
            rows = rows_for(self.world.forest, caller)
            in_order = sorted(rows.items(), key=lambda row: (row[1].parent_id or row[0], row[0]))
            assert pages == (None if caller.kind is Kind.UNAUTHENTICATED else in_order), (caller, pages)
            self.note(caller, "GET all", 401 if pages is None else 200)

    async def _poison_the_pool(self, token: ModelToken | None) -> None:
        """Leave a token in a session of the service's own pool, as a statement without LOCAL would."""
        async with transaction(self.arena.app.state.servers.default.engine) as session:
            await session.execute(POISON, {"token": token.secret if token else ""})

    async def _read_pages(self, token: ModelToken | None, limit: int) -> list[tuple[UUID, ModelTenant]] | None:
        rows: list[tuple[UUID, ModelTenant]] = []
        parameters: dict[str, Any] = {"limit": limit}
        while True:
            response = await self.send("GET", "/tenants", token, params=parameters)
            if response.status_code == 401:
                return None
            assert response.status_code == 200, response.text
            page = response.json()
            assert len(page["items"]) <= limit
            rows += [read(item) for item in page["items"]]
            assert len(dict(rows)) == len(rows), "pages that overlap might never end"
            if page["next_cursor"] is None:
                return rows
            parameters["cursor"] = page["next_cursor"]

    @rule(calls=st.lists(st.tuples(NUMBERS, DRAFTS, st.booleans()), min_size=1, max_size=4))
    def call(self, calls: list[tuple[int, Draft, bool]]) -> None:
        """Create, read, replace and delete tenants, one caller after the other, with If-Match and without."""
        for whose, draft, cascade in calls:
            self.every_caller_sees_what_the_judge_says()
            self._call(whose, draft, cascade=cascade)

    def _call(self, whose: int, draft: Draft, *, cascade: bool) -> None:
        token, world = self.world.pick_token(whose), self.world
        caller, before = world.client(token), world.forest
        action = over_http(draft.resolve(world, before, caller.tenant_id), before)
        judged = action
        if action.verb is Verb.DELETE and action.target:
            cascades = cascade and is_head(before, action.target)
            judged = replace(action, whole_organization=cascades, version=None)
        verdict = judge(before, caller, judged)
        expected = expected_status(before, caller, action, verdict)
        response = self.arena.run(self._request(action, token, cascade=cascade))
        self.note(caller, f"HTTP {action.verb}", response.status_code)

        story = (caller, action, cascade, expected, response.status_code, response.text)
        if response.status_code == 503:
            assert action.writes, story
            assert world.may_wait(caller, before), story
            return
        assert response.status_code == expected, story
        if response.status_code in {200, 201}:
            tenant_id, tenant = read(response.json())
            if NEW in verdict.forest:
                world.born.append(tenant_id)
            world.write(
                {tenant_id if known == NEW else known: known_tenant for known, known_tenant in verdict.forest.items()}
            )
            assert world.forest[tenant_id] == tenant, story
            assert action.target in (None, tenant_id), story
        elif response.status_code == 204:
            world.write(verdict.forest)

    async def _request(self, action: Action, token: ModelToken | None, *, cascade: bool) -> httpx.Response:
        path = f"/tenants/{action.target}" if action.target else "/tenants"
        headers = {"If-Match": f'"{action.version}"'} if action.version else {}
        match action.verb:
            case Verb.INSERT:
                return await self.send("POST", path, token, json=creation(action))
            case Verb.UPDATE:
                body = {"name": action.name, "metadata": {"note": action.note}}
                return await self.send("PUT", path, token, json=body, headers=headers)
            case Verb.DELETE:
                parameters = {"cascade": str(cascade).lower()}
                return await self.send("DELETE", path, token, params=parameters, headers=headers)
            case _:
                return await self.send("GET", path, token)
