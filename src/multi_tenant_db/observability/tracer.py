"""Traces statements and exports all spans to the endpoint in the OTEL_ variables."""

from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from multi_tenant_db import __version__
from multi_tenant_db.observability.redacting_exporter import RedactingExporter

FLUSH_SECONDS = 3


def create_tracer_provider() -> TracerProvider:
    """Return a separate provider: with the global one, newer versions of FastAPI add paths and queries to spans.

    Statements are recorded with their text, which never contains a value, and without their parameters.
    """
    # The OTEL_ variables take precedence over the default name.
    resource = Resource.create({"service.version": __version__})
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "multi-tenant-db"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(RedactingExporter(OTLPSpanExporter())))
    AsyncPGInstrumentor().instrument(tracer_provider=provider)  # type: ignore[no-untyped-call]  # untyped there
    return provider


def shut_down(provider: TracerProvider) -> None:
    """Stop tracing; spans that an unavailable endpoint does not accept within FLUSH_SECONDS are lost."""
    thread = Thread(target=provider.shutdown, daemon=True)
    thread.start()
    thread.join(FLUSH_SECONDS)
