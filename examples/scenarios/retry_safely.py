"""Create a subsidiary exactly once over an unreliable connection. Needs a parent's token in TOKEN; argument: the name.

When the connection breaks, the client does not know whether the request was executed. With an Idempotency-Key the same
request may be repeated: it is executed now, or the first response is returned. The key is chosen once, before the first
attempt. Only temporary failures are retried: a 4xx response is final, except 409 `request_in_progress`.
"""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx

ATTEMPTS = 6
LONGEST_PAUSE_SECONDS = 8.0


def main(name: str) -> None:
    """Create the subsidiary."""
    with httpx.Client(
        base_url=os.environ.get("API_URL", "http://127.0.0.1:8000"),
        headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    ) as client:
        (parent,) = attempt_get(client, "/tenants?tenant_type=parent").json()["items"]
        headers = {"Idempotency-Key": str(uuid4())}
        body = {"name": name, "tenant_type": "subsidiary", "parent_tenant_id": parent["tenant_id"]}
        response = attempt(client, "POST", "/tenants", json=body, headers=headers)
        if response.is_error:
            sys.exit(f"{name}: {response.json()['detail']}")
        print(f"{name}: opened")


def attempt_get(client: httpx.Client, path: str) -> httpx.Response:
    """Send a GET, which may always be repeated."""
    return attempt(client, "GET", path).raise_for_status()


def attempt(client: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
    """Repeat the same request until the response is final, with growing pauses; raise the last failure."""
    for number, pause in enumerate(pauses(), start=1):
        try:
            response = client.request(method, path, **request)
            if not is_temporary(response) or number == ATTEMPTS:
                return response
            reason, wait = f"{response.status_code}", float(response.headers.get("Retry-After", pause))
        except httpx.TransportError as error:
            if number == ATTEMPTS:
                raise
            reason, wait = type(error).__name__, pause
        print(f"{method} {path}: {reason}, trying again")
        time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def pauses() -> Iterator[float]:
    """Yield the seconds to wait after each attempt."""
    for number in range(ATTEMPTS):
        yield min(0.25 * 2**number, LONGEST_PAUSE_SECONDS)


def is_temporary(response: httpx.Response) -> bool:
    """Return whether a repeated request may succeed."""
    if response.status_code == httpx.codes.CONFLICT:
        return bool(response.json()["code"] == "request_in_progress")
    return response.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}


if __name__ == "__main__":
    main(sys.argv[1])
