"""A query parameter that an endpoint does not know is refused, and nothing happens."""

from typing import Any

import httpx
import pytest

from tests.support.bodies import a_replacement, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.problems import pointers


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_an_unknown_parameter_is_refused(client: httpx.AsyncClient, hsbc: Organization, method: str) -> None:
    """An unknown parameter is an error, since the service would ignore it."""
    parent = hsbc.parent
    path = "/tenants" if method == "POST" else f"/tenants/{parent.tenant_id}"
    bodies: dict[str, Any] = {"GET": None, "PUT": a_replacement(), "POST": a_subsidiary_of(parent)}
    answer = await client.request(
        method, path, headers=parent.headers, json=bodies[method], params={"dry_run": "true", "limit": "1"}
    )
    assert sorted(pointers(answer)) == ["/query/dry_run", "/query/limit"]
    listed = (await client.get("/tenants", headers=parent.headers)).json()["items"]
    assert [(item["name"], item["version"]) for item in listed] == [(party.name, 1) for party in hsbc.parties]
