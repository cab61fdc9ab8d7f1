"""Mark every subsidiary as reviewed in a quarter. Needs a parent's token in TOKEN; the quarter is the argument.

A subsidiary may be modified between the script's read and its write. `If-Match` contains the version that was read: if
it is no longer current, nothing is overwritten, and the script reads and decides again.
"""

import os
import sys
from typing import Any

import httpx


def main(quarter: str) -> None:
    """Review all subsidiaries that are not reviewed yet."""
    with httpx.Client(
        base_url=os.environ.get("API_URL", "http://127.0.0.1:8000"),
        headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    ) as client:
        response = client.get("/tenants", params={"tenant_type": "subsidiary", "limit": 1000})
        for subsidiary in response.raise_for_status().json()["items"]:
            print(f"{subsidiary['name']}: {review(client, subsidiary['tenant_id'], quarter)}")


def review(client: httpx.Client, tenant_id: str, quarter: str) -> str:
    """Add the quarter to the subsidiary's reviews; return a description of the result."""
    while True:
        found = client.get(f"/tenants/{tenant_id}").raise_for_status()
        tenant: dict[str, Any] = found.json()
        reviews = tenant["metadata"].get("reviews", [])
        if quarter in reviews:
            return "was reviewed before"
        response = client.put(
            f"/tenants/{tenant_id}",
            json={"name": tenant["name"], "metadata": tenant["metadata"] | {"reviews": [*reviews, quarter]}},
            headers={"If-Match": found.headers["ETag"]},
        )
        if response.status_code != httpx.codes.PRECONDITION_FAILED:
            response.raise_for_status()
            return f"reviewed, version {response.json()['version']}"


if __name__ == "__main__":
    main(sys.argv[1])
