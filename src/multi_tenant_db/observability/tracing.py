"""Traces through OpenTelemetry where an endpoint is configured; elsewhere nothing of it is imported."""

import os
from collections.abc import Callable
from functools import partial

import structlog
from fastapi import FastAPI

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

log = structlog.get_logger()


def trace_requests(app: FastAPI) -> Callable[[], object]:
    """Have each request make spans, if the environment names an endpoint; return what sends the last of them."""
    wanted = any(os.environ.get(name) for name in ENDPOINTS)
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return lambda: None
    try:
        from multi_tenant_db.observability.request_tracing import RequestTracing  # noqa: PLC0415 - only if wanted
        from multi_tenant_db.observability.tracer import (  # noqa: PLC0415 - only if wanted
            create_tracer_provider,
            send_the_last_spans,
        )
    except ModuleNotFoundError as missing:
        log.warning("no traces: install multi-tenant-db[tracing]", missing=missing.name)
        return lambda: None
    provider = create_tracer_provider()
    app.add_middleware(RequestTracing, provider=provider)
    return partial(send_the_last_spans, provider)
