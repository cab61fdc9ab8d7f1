"""Limits, timeouts and unhandled exceptions: every request gets one response."""

import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multi_tenant_db.errors import (
    AmbiguousHeaders,
    ApplicationError,
    HeadersTooLarge,
    InternalError,
    RequestTimedOut,
    RouteNotFound,
    ServiceOverloaded,
    TargetTooLong,
)
from multi_tenant_db.http.problem_responses import problem_response
from multi_tenant_db.settings import Settings

HEALTH = "/health"
"""Never refused for load: a health check must distinguish a busy service from a failed one."""

ONCE_ONLY = (b"host", b"authorization", b"content-type", b"content-encoding", b"idempotency-key")
"""Headers with one value; of two lines, a proxy may use another than the service (RFC 9110, section 5.3)."""

log = structlog.get_logger()


class RequestGuard:
    """Refuses a request beyond the limits, ends one that takes too long, and reports unhandled exceptions.

    Refused requests do not wait in a queue. After a response has begun, an error closes the connection: a partial
    response cannot be withdrawn.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = self._refusal(scope) or await self._pass_on(scope, receive, send)
        if error is not None:
            await problem_response(error, scope["state"])(scope, receive, send)

    def _refusal(self, scope: Scope) -> ApplicationError | None:
        if self._in_progress >= self._settings.max_concurrent_requests and scope["path"] != HEALTH:
            return ServiceOverloaded()
        return refusal_of_head(scope, self._settings.max_header_bytes)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> ApplicationError | None:
        """Return the error to send if the application has not responded."""
        has_begun = False

        async def note_begin(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        deadline = asyncio.timeout(self._settings.request_timeout_seconds)
        self._in_progress += 1
        try:
            async with deadline:
                await self._app(scope, receive, note_begin)
        except asyncio.CancelledError:
            # Requests are cancelled only at shutdown, when they exceed the grace period.
            if has_begun:
                raise
            return RequestTimedOut()
        except Exception as failure:
            if isinstance(failure, TimeoutError) and deadline.expired() and not has_begun:
                return RequestTimedOut()
            log.exception("unhandled_exception", request_id=scope["state"]["request_id"])
            if has_begun:
                raise
            return InternalError()
        finally:
            self._in_progress -= 1
        return None


def refusal_of_head(scope: Scope, max_bytes: int) -> ApplicationError | None:
    """Return the error for a request that is refused by its head, or None."""
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
    # An encoded slash is data, not a separator (RFC 3986, section 2.2), and no path here has one as data.
    return RouteNotFound() if b"%2f" in target.lower() else None
