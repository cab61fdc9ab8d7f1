"""Traces through OpenTelemetry, which is imported only if an endpoint is configured."""

import os
from collections.abc import Callable
from functools import partial

import structlog
from fastapi import FastAPI

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

log = structlog.get_logger()


def trace_requests(app: FastAPI) -> Callable[[], object]:
    """Trace requests, if the environment names an endpoint; return the function that sends the last spans.

    An invalid environment disables the traces, with a warning, but never prevents the start of the service.
    """
    if not _is_wanted():
        return lambda: None
    try:
        from multi_tenant_db.observability.request_tracing import RequestTracing  # noqa: PLC0415 - only if wanted
        from multi_tenant_db.observability.tracer import (  # noqa: PLC0415 - only if wanted
            create_tracer_provider,
            shut_down,
        )

        provider = create_tracer_provider()
    except ModuleNotFoundError as missing:
        log.warning("no traces: install multi-tenant-db[tracing]", missing=missing.name)
        return lambda: None
    except Exception as error:  # noqa: BLE001 - a propagator that is not installed, a queue smaller than its batch
        log.warning("no traces: a variable OTEL_... has an invalid value", cause=repr(error))
        return lambda: None
    app.add_middleware(RequestTracing, provider=provider)
    return partial(shut_down, provider)


def _is_wanted() -> bool:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporters = {name.strip() for name in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")} - {""}
    if exporters and "otlp" not in exporters:
        if exporters != {"none"}:
            log.warning("no traces: OTEL_TRACES_EXPORTER may be otlp or none", exporters=sorted(exporters))
        return False
    return any(os.environ.get(name) for name in ENDPOINTS)
