"""Bring in a banking group: the parent, then its subsidiaries. Needs a platform operator's token in TOKEN.

Each creation has an Idempotency-Key made from what it creates. Should the script be stopped half-way, run it again
within 24 hours: what was created is given back, and the rest is added.
"""

import os
from typing import Any

import httpx

GROUP = "Nordbanken"
SUBSIDIARIES = {"Nordbanken Helsinki": "FI", "Nordbanken Oslo": "NO", "Nordbanken Tallinn": "EE"}


def main() -> None:
    """Create the group and print what it consists of."""
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
    """Create a tenant, or get the one that this very request created before."""
    key = f"onboarding/{tenant['name']}".replace(" ", "-")
    response = client.post("/tenants", json=tenant, headers={"Idempotency-Key": key})
    response.raise_for_status()
    created: dict[str, Any] = response.json()
    return created


if __name__ == "__main__":
    main()
