"""The id, the log line and the metrics of a request."""

import re
from http import HTTPStatus
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multi_tenant_db.observability.service_metrics import ServiceMetrics

REQUEST_ID_HEADER = b"x-request-id"
FIXED_HEADERS = ((b"cache-control", b"private, no-cache"), (b"x-content-type-options", b"nosniff"))
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger()


class RequestContext:
    """Outermost middleware, plain ASGI: it needs no task and no copy of the body."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics | None = None) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *FIXED_HEADERS, (REQUEST_ID_HEADER, request_id.encode())]
                if "rate_limit_fields" in state:
                    message["headers"] += [
                        (n.lower().encode(), v.encode()) for n, v in state["rate_limit_fields"].items()
                    ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path", None)
            seconds = perf_counter() - started
            record_request(self._metrics, state, method=scope["method"], route=route, status=status, seconds=seconds)


def record_request(  # noqa: PLR0913 - the fields of a log line
    metrics: ServiceMetrics | None,
    state: dict[str, Any],
    *,
    method: str | None,
    route: str | None,
    status: int | None,
    seconds: float,
) -> None:
    """Log method, route template, status, problem, duration, request id and caller; never a token, a body or a query.

    Count the request without request id and caller. A request whose head was refused has no method and no route. A
    connection that was closed without a response has no status.
    """
    caller = getattr(state.get("session"), "caller", None)
    problem = state.get("problem")
    # Frequent health checks would fill the log.
    write_log = log.debug if route == "/health" and status == HTTPStatus.OK else log.info
    write_log(
        "request",
        method=method,
        route=route,
        status=None if status is None else int(status),
        problem=problem,
        duration_ms=round(seconds * 1000, 2),
        request_id=state["request_id"],
        tenant_id=str(caller.tenant_id) if caller and caller.tenant_id else None,
        caller_role=str(caller.role) if caller else None,
    )
    if metrics is not None:
        metrics.record_request(method or "none", route, status, problem, seconds)


def _request_id(scope: Scope) -> str:
    """Return the client's id when it is well formed, else a new one."""
    given = next((value for name, value in scope["headers"] if name == REQUEST_ID_HEADER), b"").decode("latin-1")
    return given if WELL_FORMED_ID.fullmatch(given) else str(uuid4())
