"""What is refused by its head alone, before any endpoint looks at it."""

from starlette.types import Scope

from multi_tenant_db.errors import (
    AmbiguousHeaders,
    ApplicationError,
    HeadersTooLarge,
    RouteNotFound,
    TargetTooLong,
)

ONCE_ONLY = (b"host", b"authorization", b"content-type", b"content-encoding", b"idempotency-key")
"""Where two lines differ, a proxy and the service may each believe another one (RFC 9110, section 5.3)."""


def refusal_of_head(scope: Scope, max_bytes: int) -> ApplicationError | None:
    """Return why a request is not served, None when its head is in order."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if sum(len(name) + len(value) for name, value in headers) > max_bytes:
        return HeadersTooLarge()
    target = scope.get("raw_path") or b""
    if len(target) + len(scope["query_string"]) > max_bytes:
        return TargetTooLong()
    names = [name for name, _ in headers]
    if any(names.count(name) > 1 for name in ONCE_ONLY):
        return AmbiguousHeaders()
    if b"host" not in names and scope["http_version"] == "1.1":
        return AmbiguousHeaders()
    # An encoded slash is data, not a separator (RFC 3986, section 2.2), and no path of ours holds one as data.
    return RouteNotFound() if b"%2f" in target.lower() else None
