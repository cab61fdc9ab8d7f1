"""What collects spans: a real HTTP endpoint of the OpenTelemetry protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class SpanReceiver(ThreadingHTTPServer):
    """Keeps what services send, as it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        """Where to send spans."""
        return f"http://127.0.0.1:{self.server_port}"

    def spans_of(self, trace_id: str) -> list[Span]:
        """Return a trace's spans, as far as they have come."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if span.trace_id.hex() == trace_id
        ]


def _respond(handler: BaseHTTPRequestHandler) -> None:
    body = handler.rfile.read(int(handler.headers["Content-Length"]))
    assert isinstance(handler.server, SpanReceiver)
    handler.server.bodies.append(body)
    handler.send_response(200)
    handler.end_headers()


_Handler = type("_Handler", (BaseHTTPRequestHandler,), {"do_POST": _respond, "log_message": lambda *_: None})


@contextmanager
def span_receiver() -> Iterator[SpanReceiver]:
    """Run it until the end."""
    with SpanReceiver() as receiver:
        thread = Thread(target=receiver.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()
