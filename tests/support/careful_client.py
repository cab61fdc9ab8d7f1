"""A client that knows what it may see, and checks every answer against it."""

import random
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.support.bodies import a_parent, a_replacement, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.party import Party


class CarefulClient:
    """One organisation's only writer: it knows the exact state of every tenant within its reach.

    So each answer is compared with what it must be, not merely searched for strangers. Every name it gives begins with
    its own mark; `hidden` are other organisations' tenants.
    """

    def __init__(self, client: httpx.AsyncClient, organization: Organization, hidden: list[UUID], seed: int) -> None:
        self.statuses: Counter[int] = Counter()
        self._client = client
        self._mark = organization.parent.name
        self._parent = organization.parent
        self._subsidiaries = organization.subsidiaries
        self._hidden = hidden
        self._random = random.Random(seed)
        self._expected: dict[str, dict[str, Any]] = {}

    async def run(self, requests: int) -> None:
        """Learn the beginning, then send so many requests of all kinds, one after the other."""
        await self._learn()
        kinds = [
            self._list_all,
            self._list_pages,
            self._list_as_subsidiary,
            self._read,
            self._read_as_subsidiary,
            self._read_hidden,
            self._replace,
            self._replace_stale,
            self._touch_hidden,
            self._create,
            self._create_refused,
            self._delete,
            self._err,
        ]
        while self.statuses.total() < requests:
            await self._random.choice(kinds)()

    async def _learn(self) -> None:
        answer = await self._send("GET", "/tenants")
        self._expected = {tenant["tenant_id"]: tenant for tenant in answer.json()["items"]}
        everybody = [self._parent, *self._subsidiaries]
        assert {(key, tenant["name"]) for key, tenant in self._expected.items()} == {
            (str(party.tenant_id), party.name) for party in everybody
        }

    async def _send(
        self, method: str, path: str, *statuses: int, caller: Party | None = None, **contents: Any
    ) -> httpx.Response:
        headers = (caller or self._parent).headers | contents.pop("headers", {})
        response = await self._client.request(method, path, headers=headers, **contents)
        assert response.status_code in (statuses or (200,)), (method, path, response.status_code, response.text)
        self.statuses[response.status_code] += 1
        return response

    def _anyone(self) -> dict[str, Any]:
        return self._random.choice(list(self._expected.values()))

    async def _list_all(self) -> None:
        answer = await self._send("GET", "/tenants?limit=1000")
        assert answer.json() == {"items": self._in_key_order(), "next_cursor": None}

    async def _list_pages(self) -> None:
        items: list[dict[str, Any]] = []
        path = "/tenants?limit=2"
        while path:
            answer = await self._send("GET", path)
            items += answer.json()["items"]
            assert len(items) <= len(self._expected)
            path = answer.links.get("next", {}).get("url", "")
        assert items == self._in_key_order()

    async def _list_as_subsidiary(self) -> None:
        subsidiary = self._random.choice(self._subsidiaries)
        answer = await self._send("GET", "/tenants", caller=subsidiary)
        assert answer.json() == {"items": [self._expected[str(subsidiary.tenant_id)]], "next_cursor": None}

    async def _read(self) -> None:
        tenant = self._anyone()
        answer = await self._send("GET", f"/tenants/{tenant['tenant_id']}")
        assert answer.json() == tenant

    async def _read_as_subsidiary(self) -> None:
        subsidiary, tenant = self._random.choice(self._subsidiaries), self._anyone()
        own = tenant["tenant_id"] == str(subsidiary.tenant_id)
        path = f"/tenants/{tenant['tenant_id']}"
        answer = await self._send("GET", path, 200 if own else 404, caller=subsidiary)
        assert not own or answer.json() == tenant

    async def _read_hidden(self) -> None:
        await self._send("GET", f"/tenants/{self._random.choice(self._hidden)}", 404)

    async def _replace(self) -> None:
        tenant = self._anyone()
        body = a_replacement(f"{self._mark} renamed {uuid4().hex}", mark=self._mark)
        headers = {"If-Match": f'"{tenant["version"]}"'}
        answer = (await self._send("PUT", f"/tenants/{tenant['tenant_id']}", headers=headers, json=body)).json()
        expected = tenant | body | {"version": tenant["version"] + 1, "updated_at": answer["updated_at"]}
        assert answer == expected
        self._expected[tenant["tenant_id"]] = expected

    async def _replace_stale(self) -> None:
        headers = {"If-Match": '"2147483647"'}
        path = f"/tenants/{self._anyone()['tenant_id']}"
        await self._send("PUT", path, 412, headers=headers, json=a_replacement(self._mark))

    async def _touch_hidden(self) -> None:
        path = f"/tenants/{self._random.choice(self._hidden)}"
        if self._random.random() < 0.5:
            await self._send("DELETE", path, 404, params={"cascade": "true"})
        else:
            await self._send("PUT", path, 404, json=a_replacement(f"{self._mark} everywhere"))

    async def _create(self) -> None:
        body = a_subsidiary_of(self._parent, f"{self._mark} new {uuid4().hex}", metadata={"mark": self._mark})
        answer = (await self._send("POST", "/tenants", 201, json=body)).json()
        assert {name: answer[name] for name in body} == body
        self._expected[answer["tenant_id"]] = answer

    async def _create_refused(self) -> None:
        under_a_stranger = a_subsidiary_of(self._random.choice(self._hidden), f"{self._mark} abroad")
        await self._send("POST", "/tenants", 403, json=self._random.choice([under_a_stranger, a_parent(self._mark)]))
        taken = a_subsidiary_of(self._parent, self._anyone()["name"])
        await self._send("POST", "/tenants", 409, json=taken)

    async def _delete(self) -> None:
        kept = {str(party.tenant_id) for party in [self._parent, *self._subsidiaries]}
        for tenant_id in [tenant_id for tenant_id in self._expected if tenant_id not in kept][:1]:
            await self._send("DELETE", f"/tenants/{tenant_id}", 204)
            del self._expected[tenant_id]
        await self._send("DELETE", f"/tenants/{self._parent.tenant_id}", 403, params={"cascade": "true"})

    async def _err(self) -> None:
        nobody = Party(self._parent.tenant_id, "nobody", "mtdb_" + "x" * 43)
        await self._send("GET", f"/tenants/{nobody.tenant_id}", 401, caller=nobody)
        await self._send("GET", "/tenants?limit=0", 422)
        await self._send("POST", "/tenants", 400, content=b"{", headers={"Content-Type": "application/json"})

    def _in_key_order(self) -> list[dict[str, Any]]:
        first = str(self._parent.tenant_id)
        return [self._expected[first], *(self._expected[key] for key in sorted(self._expected) if key != first)]
