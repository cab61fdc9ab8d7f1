"""Spans on their way out, without what an exception says."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status


class RedactingExporter(SpanExporter):
    """Drops events and the words of a status: they repeat PostgreSQL's messages, which may quote a row."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send what remains of the spans."""
        return self._exporter.export([_without_words(span) for span in spans])

    def shutdown(self) -> None:
        """Give up what is still being sent."""
        self._exporter.shutdown()


def _without_words(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
