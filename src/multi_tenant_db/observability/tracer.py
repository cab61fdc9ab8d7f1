"""What makes spans of statements, and sends all spans to the endpoint that the OTEL_ variables name."""

from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from multi_tenant_db import __version__
from multi_tenant_db.observability.redacting_exporter import RedactingExporter

SECONDS_FOR_THE_LAST_SPANS = 3


def create_tracer_provider() -> TracerProvider:
    """Return a provider of our own, not the process's: with that one, newer FastAPIs write paths and queries to spans.

    Statements are recorded with their text, which never holds a value, and without their parameters.
    """
    # What the OTEL_ variables say goes before our own name.
    resource = Resource.create({"service.version": __version__})
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "multi-tenant-db"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(RedactingExporter(OTLPSpanExporter())))
    AsyncPGInstrumentor().instrument(tracer_provider=provider)  # type: ignore[no-untyped-call]  # theirs
    return provider


def send_the_last_spans(provider: TracerProvider) -> None:
    """Stop tracing; what an endpoint that is away does not take soon is lost."""
    thread = Thread(target=provider.shutdown, daemon=True)
    thread.start()
    thread.join(SECONDS_FOR_THE_LAST_SPANS)
