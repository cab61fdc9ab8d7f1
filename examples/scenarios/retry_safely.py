"""Open a subsidiary over a bad line, exactly once. Needs a parent's token in TOKEN; its name is the argument.

When the connection breaks, nobody can tell whether the request was carried out. With an Idempotency-Key the same
request may be sent again: either it is carried out now, or the answer of the first time comes back. The key is chosen
once, before the first attempt. Only what may be different next time is tried again: an answer 4xx is final, but for a
409 `request_in_progress`.
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
    """Open the subsidiary and say after how many attempts."""
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
    """Read, which may always be repeated."""
    return attempt(client, "GET", path).raise_for_status()


def attempt(client: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
    """Send the very same request until there is a final answer, with growing pauses; the last failure is raised."""
    for number, pause in enumerate(pauses(), start=1):
        try:
            response = client.request(method, path, **request)
            if not may_be_different_next_time(response) or number == ATTEMPTS:
                return response
            what, wait = f"{response.status_code}", float(response.headers.get("Retry-After", pause))
        except httpx.TransportError as error:
            if number == ATTEMPTS:
                raise
            what, wait = type(error).__name__, pause
        print(f"{method} {path}: {what}, trying again")
        time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def pauses() -> Iterator[float]:
    """Yield the seconds to wait after each attempt."""
    for number in range(ATTEMPTS):
        yield min(0.25 * 2**number, LONGEST_PAUSE_SECONDS)


def may_be_different_next_time(response: httpx.Response) -> bool:
    """Tell a passing refusal from a final answer."""
    if response.status_code == httpx.codes.CONFLICT:
        return bool(response.json()["code"] == "request_in_progress")
    return response.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}


if __name__ == "__main__":
    main(sys.argv[1])
