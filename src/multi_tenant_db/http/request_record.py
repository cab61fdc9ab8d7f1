"""One line in the log and one count for each request, whichever layer answered it."""

from http import HTTPStatus
from typing import Any

import structlog

from multi_tenant_db.observability.service_metrics import ServiceMetrics

log = structlog.get_logger()


def record_request(  # noqa: PLR0913 - what is known of a request
    metrics: ServiceMetrics | None,
    state: dict[str, Any],
    *,
    method: str | None,
    route: str | None,
    status: int | None,
    seconds: float,
) -> None:
    """Log method, route template, status, problem, duration, request id and caller; never a token, a body or a query.

    Count the same without request id and caller. A request whose head was refused has no method and no route; one whose
    connection was closed without an answer has no status.
    """
    caller = getattr(state.get("session"), "caller", None)
    problem = state.get("problem")
    # A health check every few seconds would be most of the log.
    tell = log.debug if route == "/health" and status == HTTPStatus.OK else log.info
    tell(
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
