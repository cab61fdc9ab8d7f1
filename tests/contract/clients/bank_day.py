"""A day at the bank, by a client that openapi-python-client made of the document; prints what came back."""

# Run in an environment of its own, by test_generated_clients.py: `bank_client` is made there.
import json
import os
from uuid import UUID

from bank_client import AuthenticatedClient
from bank_client.api.health import check_health
from bank_client.api.tenants import create_tenant, delete_tenant, list_tenants, read_tenant, replace_tenant
from bank_client.models import (
    HealthRead,
    Problem,
    TenantCreate,
    TenantCreateMetadata,
    TenantPage,
    TenantRead,
    TenantType,
    TenantUpdate,
    TenantUpdateMetadata,
)
from bank_client.types import Response, Unset


def caller(token: str) -> AuthenticatedClient:
    """Make a client for the holder of a token."""
    return AuthenticatedClient(base_url=os.environ["URL"], token=os.environ[token])


def problem(response: Response[Problem | TenantRead]) -> Problem:
    """Return the problem that an answer must be."""
    assert isinstance(response.parsed, Problem)
    return response.parsed


def tenant(response: Response[Problem | TenantRead]) -> TenantRead:
    """Return the tenant that an answer must be."""
    assert isinstance(response.parsed, TenantRead)
    return response.parsed


def main() -> None:
    """Go through the day."""
    hsbc, london, barclays = caller("PARENT"), caller("SUBSIDIARY"), caller("STRANGER")
    parent = UUID(os.environ["PARENT_ID"])
    metadata = TenantCreateMetadata.from_dict({"country": "MT", "nested": {"list": [1, "two", None, True]}})
    new = TenantCreate("HSBC Malta", TenantType.SUBSIDIARY, parent_tenant_id=parent, metadata=metadata)
    created = create_tenant.sync_detailed(client=hsbc, body=new, idempotency_key="a-day-in-python")
    malta = tenant(created)
    seen = list_tenants.sync(client=hsbc, limit=100, tenant_type=TenantType.SUBSIDIARY)
    own = list_tenants.sync(client=london)
    assert isinstance(seen, TenantPage)
    assert isinstance(own, TenantPage)
    foreign = read_tenant.sync_detailed(malta.tenant_id, client=barclays)
    blank = TenantCreate(" ", TenantType.SUBSIDIARY, parent_tenant_id=parent)
    wrong = create_tenant.sync_detailed(client=hsbc, body=blank)
    errors = problem(wrong).errors
    tag = created.headers["ETag"]
    renaming = TenantUpdate("HSBC Gozo", TenantUpdateMetadata())
    renamed = replace_tenant.sync_detailed(malta.tenant_id, client=hsbc, body=renaming, if_match=tag)
    stale = replace_tenant.sync_detailed(malta.tenant_id, client=hsbc, body=renaming, if_match=tag)
    deleted = delete_tenant.sync_detailed(malta.tenant_id, client=hsbc)
    health = check_health.sync(client=hsbc)
    assert isinstance(health, HealthRead)
    outcome = {
        "created": [int(created.status_code), malta.version, malta.metadata.to_dict()],
        "seen": malta.tenant_id in {each.tenant_id for each in seen.items},
        "own": len(own.items),
        "foreign": [int(foreign.status_code), problem(foreign).code.value],
        "wrong": [int(wrong.status_code), [] if isinstance(errors, Unset) else [error.pointer for error in errors]],
        "renamed": [int(renamed.status_code), tenant(renamed).name],
        "stale": [int(stale.status_code), problem(stale).code.value],
        "deleted": int(deleted.status_code),
        "health": health.status.value,
    }
    print(json.dumps(outcome))  # noqa: T201 - the test reads it


main()
