"""The table "Policies" of the design, cell by cell, through HTTP: who sees, inserts, updates and deletes what."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from tests.support.bodies import a_parent, a_replacement, a_subsidiary_of
from tests.support.extent import part
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import assert_problem
from tests.support.registry import Registry

ROWS = ("HSBC", "HSBC London", "HSBC Hong Kong", "Barclays", "Barclays London")
UNAUTHENTICATED = ("no token", "bad token", "expired token", "revoked token", "token of a deleted tenant")
CALLERS = ("platform operator", "parent", "subsidiary", *part(UNAUTHENTICATED, 3))
"""The parent is HSBC, the subsidiary HSBC London."""

SEES: dict[str, set[str]] = {
    "platform operator": set(ROWS),
    "parent": {"HSBC", "HSBC London", "HSBC Hong Kong"},
    "subsidiary": {"HSBC London"},
}
UPDATES = SEES
DELETES: dict[str, set[str]] = {
    "platform operator": set(ROWS),
    "parent": {"HSBC London", "HSBC Hong Kong"},
    "subsidiary": set(),
}

NEW_ROWS = ("a parent", "a subsidiary of HSBC", "a subsidiary of HSBC London", "a subsidiary of Barclays")
INSERTS: dict[str, set[str]] = {
    "platform operator": {"a parent", "a subsidiary of HSBC", "a subsidiary of Barclays"},
    "parent": {"a subsidiary of HSBC"},
    "subsidiary": set(),
}

each_cell = pytest.mark.parametrize(("caller", "row"), list(product(CALLERS, ROWS)))


@pytest.fixture
def rows(hsbc: Organization, barclays: Organization) -> dict[str, Party]:
    """Give each row's name in the tables above its tenant."""
    return dict(zip(ROWS, [*hsbc.parties, *barclays.parties], strict=False))


@pytest.fixture
async def headers(
    caller: str, hsbc: Organization, platform_operator: Party, registry: Registry, as_admin: asyncpg.Connection
) -> dict[str, str]:
    """Give the headers by which the caller authenticates."""
    head = hsbc.parent.tenant_id
    match caller:
        case "platform operator":
            token = platform_operator.token
        case "parent":
            token = hsbc.parent.token
        case "subsidiary":
            token = hsbc.subsidiaries[0].token
        case "no token":
            return {}
        case "bad token":
            token = "mtdb_" + "x" * 43
        case "expired token":
            token = await registry.issue_token(head, head, timedelta(microseconds=1))
        case "revoked token":
            token = await registry.issue_token(head, head)
            await registry.revoke(token)
        case _:
            former = await registry.create_tenant(f"{hsbc.parent.name} closed", head)
            await as_admin.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", former.tenant_id)
            token = former.token
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def as_caller(client: httpx.AsyncClient, headers: dict[str, str]) -> httpx.AsyncClient:
    """Call the service as the caller."""
    client.headers.update(headers)
    return client


async def stored(as_admin: asyncpg.Connection, tenant_id: UUID) -> asyncpg.Record | None:
    """Return the row as it really is."""
    return await as_admin.fetchrow("SELECT * FROM tenancy.tenants WHERE tenant_id = $1", tenant_id)


def assert_refused(response: httpx.Response, caller: str, *, visible: bool) -> None:
    """Without a valid token the answer is 401; a hidden row is 404; a visible row that may not be changed is 403."""
    if caller in UNAUTHENTICATED:
        assert_problem(response, 401, "authentication_required")
    elif visible:
        assert_problem(response, 403, "operation_not_permitted")
    else:
        assert_problem(response, 404, "tenant_not_found")


@each_cell
async def test_sees(as_caller: httpx.AsyncClient, rows: dict[str, Party], caller: str, row: str) -> None:
    """A caller reads exactly the tenants that the table grants."""
    tenant = rows[row]
    response = await as_caller.get(f"/tenants/{tenant.tenant_id}")
    if row in SEES.get(caller, set()):
        assert response.status_code == 200
        assert (response.json()["tenant_id"], response.json()["name"]) == (str(tenant.tenant_id), tenant.name)
    else:
        assert_refused(response, caller, visible=False)


@pytest.mark.parametrize("caller", CALLERS)
async def test_sees_in_a_list(as_caller: httpx.AsyncClient, rows: dict[str, Party], caller: str) -> None:
    """A caller's list holds exactly the tenants that the table grants."""
    listed: set[str] = set()
    parameters: dict[str, Any] = {"limit": 1000}
    while True:
        response = await as_caller.get("/tenants", params=parameters)
        if caller in UNAUTHENTICATED:
            assert_problem(response, 401, "authentication_required")
            return
        page = response.json()
        shown = {item["tenant_id"] for item in page["items"]}
        assert not shown & listed, "a page repeats what an earlier one showed"
        listed |= shown
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    granted = {str(rows[row].tenant_id) for row in SEES[caller]}
    if caller == "platform operator":
        assert granted <= listed, "other tests' tenants are listed as well"
    else:
        assert listed == granted


@each_cell
async def test_updates(
    as_caller: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    rows: dict[str, Party],
    caller: str,
    row: str,
) -> None:
    """A caller changes exactly the tenants that the table grants; a refused change leaves the row as it was."""
    tenant_id = rows[row].tenant_id
    before = await stored(as_admin, tenant_id)
    body = a_replacement(touched=True)
    response = await as_caller.put(f"/tenants/{tenant_id}", json=body)
    after = await stored(as_admin, tenant_id)
    if row in UPDATES.get(caller, set()):
        assert response.status_code == 200
        assert after is not None
        assert after["name"] == body["name"]
    else:
        assert_refused(response, caller, visible=False)
        assert after == before


@each_cell
async def test_deletes(
    as_caller: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    rows: dict[str, Party],
    caller: str,
    row: str,
) -> None:
    """A caller deletes exactly the tenants that the table grants; a refused cascade takes no subsidiary along."""
    everything = [party.tenant_id for party in rows.values()]
    tenant_id = rows[row].tenant_id
    response = await as_caller.delete(f"/tenants/{tenant_id}", params={"cascade": "true"})
    left = await as_admin.fetch("SELECT tenant_id FROM tenancy.tenants WHERE tenant_id = ANY($1)", everything)
    if row in DELETES.get(caller, set()):
        assert response.status_code == 204
        assert tenant_id not in {record["tenant_id"] for record in left}
    else:
        assert_refused(response, caller, visible=row in SEES.get(caller, set()))
        assert len(left) == len(everything)


@pytest.mark.parametrize(("caller", "new_row"), list(product(CALLERS, NEW_ROWS)))
async def test_inserts(
    as_caller: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    rows: dict[str, Party],
    caller: str,
    new_row: str,
) -> None:
    """A caller adds exactly the tenants that the table grants; there are never three levels."""
    name = f"New {uuid4().hex}"
    if new_row == "a parent":
        body = a_parent(name)
    else:
        body = a_subsidiary_of(rows[new_row.removeprefix("a subsidiary of ")], name)
    response = await as_caller.post("/tenants", json=body)
    granted = new_row in INSERTS.get(caller, set())
    if granted:
        assert response.status_code == 201
    elif caller in UNAUTHENTICATED:
        assert_problem(response, 401, "authentication_required")
    elif caller == "platform operator":
        assert_problem(response, 422, "parent_not_found")
    else:
        assert_problem(response, 403, "operation_not_permitted")
    assert await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants WHERE name = $1", name) == int(granted)


@pytest.mark.parametrize("caller", CALLERS)
async def test_inserts_under_an_absent_parent(as_caller: httpx.AsyncClient, caller: str) -> None:
    """A parent that does not exist is a mistake to a platform operator, and not permitted to any other caller."""
    response = await as_caller.post("/tenants", json=a_subsidiary_of(uuid4()))
    if caller in UNAUTHENTICATED:
        assert_problem(response, 401, "authentication_required")
    elif caller == "platform operator":
        assert_problem(response, 422, "parent_not_found")
    else:
        assert_problem(response, 403, "operation_not_permitted")
