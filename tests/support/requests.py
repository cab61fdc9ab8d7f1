"""The writes that tests send over HTTP."""

from collections.abc import Mapping
from uuid import UUID, uuid4

import httpx

from tests.support.party import Party


def new_subsidiary(parent: Party, name: str | None = None) -> dict[str, object]:
    """Return the body that creates a subsidiary; without a name, a fresh one."""
    return {
        "name": name or f"Branch {uuid4().hex[:12]}",
        "tenant_type": "subsidiary",
        "parent_tenant_id": str(parent.tenant_id),
        "metadata": {"country": "HK"},
    }


async def create(client: httpx.AsyncClient, party: Party, body: Mapping[str, object], **headers: str) -> httpx.Response:
    """POST a tenant; headers are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/tenants", json=body, headers=party.headers | named)


async def replace(
    client: httpx.AsyncClient, party: Party, tenant_id: UUID | str, name: str, **headers: str
) -> httpx.Response:
    """PUT a name, and metadata that says so; headers are named with underscores."""
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    body = {"name": name, "metadata": {"renamed": True}}
    return await client.put(f"/tenants/{tenant_id}", json=body, headers=party.headers | named)


async def delete(
    client: httpx.AsyncClient, party: Party, tenant_id: UUID | str, *, cascade: bool = False, **headers: str
) -> httpx.Response:
    """DELETE a tenant; headers are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    query = "?cascade=true" if cascade else ""
    return await client.delete(f"/tenants/{tenant_id}{query}", headers=party.headers | named)


def outcome(response: httpx.Response) -> str:
    """Return the status, and the code of a problem."""
    if response.status_code < httpx.codes.BAD_REQUEST:
        return str(response.status_code)
    return f"{response.status_code} {response.json()['code']}"
