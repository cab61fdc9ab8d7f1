"""Create a banking group: the parent, then its subsidiaries. Needs a platform operator's token in TOKEN.

Each creation has an Idempotency-Key derived from the tenant's name. If the script was interrupted, run it again within
24 hours: existing tenants are returned, and the others are created.
"""

import os
from typing import Any

import httpx

GROUP = "Nordbanken"
SUBSIDIARIES = {"Nordbanken Helsinki": "FI", "Nordbanken Oslo": "NO", "Nordbanken Tallinn": "EE"}


def main() -> None:
    """Create the group and print its tenants."""
    with httpx.Client(
        base_url=os.environ.get("API_URL", "http://127.0.0.1:8000"),
        headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    ) as client:
        parent = create(client, name=GROUP, tenant_type="parent", metadata={"country": "SE"})
        print(f"{parent['name']}: {parent['tenant_id']}")
        for name, country in SUBSIDIARIES.items():
            subsidiary = create(
                client,
                name=name,
                tenant_type="subsidiary",
                parent_tenant_id=parent["tenant_id"],
                metadata={"country": country},
            )
            print(f"- {subsidiary['name']}: {subsidiary['tenant_id']}")


def create(client: httpx.Client, **tenant: Any) -> dict[str, Any]:
    """Create a tenant, or return the one that the same request created before."""
    key = f"onboarding/{tenant['name']}".replace(" ", "-")
    response = client.post("/tenants", json=tenant, headers={"Idempotency-Key": key})
    response.raise_for_status()
    created: dict[str, Any] = response.json()
    return created


if __name__ == "__main__":
    main()
