"""Close a subsidiary. Needs its parent's token in TOKEN; the subsidiary's name is the argument.

Deletion is final and includes the subsidiary's access tokens, which are invalid from the next statement on. The
subsidiary is deleted only if it has not been modified since it was read (`If-Match`). If a repeated run does not find
it, it has been closed.
"""

import os
import sys

import httpx


def main(name: str) -> None:
    """Find the subsidiary and delete it."""
    with httpx.Client(
        base_url=os.environ.get("API_URL", "http://127.0.0.1:8000"),
        headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    ) as client:
        response = client.get("/tenants", params={"tenant_type": "subsidiary", "limit": 1000})
        named = [tenant for tenant in response.raise_for_status().json()["items"] if tenant["name"] == name]
        if not named:
            print(f"{name}: there is no such subsidiary")
            return
        (tenant,) = named
        response = client.delete(f"/tenants/{tenant['tenant_id']}", headers={"If-Match": f'"{tenant["version"]}"'})
        if response.is_error:
            problem = response.json()
            sys.exit(f"{name}: {problem['title']}. {problem['detail']}")
        print(f"{name}: closed")


if __name__ == "__main__":
    main(sys.argv[1])
