"""Read all tenants within reach. Needs any token in TOKEN; the page size may be an argument.

A page contains the cursor of the next page, a position in key order. Tenants that are added or deleted meanwhile
neither shift the pages nor repeat a tenant.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import httpx


def main(limit: int = 100) -> None:
    """Print the names, with subsidiaries indented, and their number."""
    with httpx.Client(
        base_url=os.environ.get("API_URL", "http://127.0.0.1:8000"),
        headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    ) as client:
        count = 0
        for count, tenant in enumerate(all_tenants(client, limit), start=1):  # noqa: B007 - its last value is used
            print(f"{'  ' if tenant['parent_tenant_id'] else ''}{tenant['name']}")
        print(f"{count} tenants")


def all_tenants(client: httpx.Client, limit: int) -> Iterator[dict[str, Any]]:
    """Yield every tenant in key order, with one page in memory."""
    parameters: dict[str, Any] = {"limit": limit}
    while parameters.get("cursor", "") is not None:
        page = client.get("/tenants", params=parameters).raise_for_status().json()
        yield from page["items"]
        parameters["cursor"] = page["next_cursor"]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
