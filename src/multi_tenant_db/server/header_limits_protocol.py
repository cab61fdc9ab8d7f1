"""Message framing and limits of a request's head."""

from asyncio import TimerHandle, Transport
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import Any, cast
from uuid import uuid4

from httptools import HttpParserError, HttpParserInvalidURLError, HttpParserUpgrade, HttpRequestParser, parse_url
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from multi_tenant_db.errors import ApplicationError, BodyTooSlow, HeadersTooLarge, MalformedRequest, TargetTooLong
from multi_tenant_db.http.problem_responses import problem_response
from multi_tenant_db.http.request_context import record_request
from multi_tenant_db.settings import Settings

VERSIONS = ("1.0", "1.1")
REFUSAL = "refusal"
"""Key in a request's state of the error for which its body is refused."""


class HeaderLimitsProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits for the head, which uvicorn waits for and stores without limit.

    The response is 400 to what is not HTTP, 414 or 431 to a head that is too large, 408 to one that is too slow. It is
    a problem document, it is logged and counted like any other, and the connection closes. Trailers are dropped:
    uvicorn would add them to the headers after those were checked (RFC 9110, section 6.5.1).

    Only the application responds to a request that it has received: if the body is refused, reading the body raises the
    error. Refusals of later, pipelined requests are sent after the responses that are still pending.

    An offer to upgrade is ignored (section 7.8). The parser would end the message after its head and parse the body as
    the next request. So the head is parsed again without its `Upgrade` lines, and then the body.
    """

    _settings: Settings
    _max_unread_bytes: int
    _in_head = True
    _in_body = False
    _is_refused = False
    _pending_error: ApplicationError | None = None
    _head_began: float
    _unread_bytes = 0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn itself narrows it
        """Start the header timeout."""
        super().connection_made(transport)
        self.url = b""
        self.app = partial(_serve, self.app)
        self._settings = self.app_state["settings"]
        # A head of the allowed size may arrive together with more data; RequestGuard refuses sizes in between.
        self._max_unread_bytes = 2 * self._settings.max_header_bytes
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer; record an error that could not be sent."""
        self._stop_timer()
        if self._pending_error is not None:
            self._record({"request_id": str(uuid4()), "problem": self._pending_error.code}, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data; count bytes until a head or a piece of a body is complete."""
        if self._is_refused:
            return
        self._unread_bytes += len(data)
        self._unset_keepalive_if_required()
        if not self._parse(data):
            self._refuse(MalformedRequest())
        elif self.transport.is_closing():
            return
        elif self._unread_bytes > self._max_unread_bytes:
            self._refuse(TargetTooLong() if len(self.url) > self._settings.max_header_bytes else HeadersTooLarge())
        elif self._timer is None and not self._is_answering():
            # Blank lines between requests stop uvicorn's own timer.
            self._start_timer()

    def on_message_begin(self) -> None:
        """Start the header timeout again."""
        self._expect_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Keep only as much of the target as is needed to refuse it."""
        super().on_url(url[: max(0, self._max_unread_bytes - len(self.url))])

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, drop a trailer."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the request on, unless its head must be parsed again."""
        if self.parser.should_upgrade():
            return
        self._check_head()
        self._in_head = False
        self._in_body = True
        self._unread_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Reset the count: the body has its own limits."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Record the end of the request."""
        if self.parser.should_upgrade():
            return
        self._in_body = False
        self._unread_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send the pending error after the last response."""
        super().on_response_complete()
        if self._pending_error is not None and not self._is_answering() and not self.transport.is_closing():
            self._close_with(self._pending_error)
            self._pending_error = None

    def _check_head(self) -> None:
        """Set the path `/` for a target without a path (RFC 9112, section 3.2); raises MalformedRequest.

        The parser accepts other versions, and every list of encodings that ends with chunked.
        """
        if self.parser.get_http_version() not in VERSIONS:
            raise MalformedRequest
        encodings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if encodings not in ([], [b"chunked"]):
            raise MalformedRequest
        try:
            target = parse_url(self.url)
        except HttpParserInvalidURLError as error:
            raise MalformedRequest from error
        if not target.path:
            self.url = b"/?" + target.query if target.query else b"/"

    def _parse(self, data: bytes) -> bool:
        """Parse the bytes; return False if they are not HTTP."""
        while True:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as offer:
                if self.parser.get_method() == b"CONNECT":
                    return False
                data = self._head_without_offer() + data[offer.args[0] :]
                self.parser = _new_parser(self)
            except HttpParserError:
                return False
            else:
                return True

    def _head_without_offer(self) -> bytes:
        """Return the parsed head without its `Upgrade` lines."""
        version = self.parser.get_http_version().encode()
        lines = [b" ".join((self.parser.get_method(), self.url, b"HTTP/" + version))]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _expect_head(self) -> None:
        self._in_head = True
        self._head_began = perf_counter()
        self._start_timer()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self._settings.body_timeout_seconds, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        if self._is_answering():
            self._start_timer()
        elif self._in_head and self._unread_bytes:
            self._refuse(BodyTooSlow("Send the whole request at once; nothing was changed."))
        else:
            self.transport.close()

    def _refuse(self, error: ApplicationError) -> None:
        """Stop reading. Send the error when no other response is pending."""
        self._is_refused = True
        self._stop_timer()
        if self._in_body and self._is_answering():
            self.cycle.scope["state"][REFUSAL] = error
            self.cycle.keep_alive = False
            self.cycle.message_event.set()
        elif self._in_body:
            # The response has already been sent.
            self.transport.close()
        elif self._is_answering():
            self._pending_error = error
        else:
            self._close_with(error)

    def _close_with(self, error: ApplicationError) -> None:
        state: dict[str, Any] = {"request_id": str(uuid4())}
        self.transport.write(_as_bytes(error, state))
        self.transport.close()
        self._record(state, error.status)

    def _record(self, state: dict[str, Any], status: int | None) -> None:
        seconds = perf_counter() - self._head_began
        record_request(self.app_state["metrics"], state, method=None, route=None, status=status, seconds=seconds)

    def _is_answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete


async def _serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the application; reading a refused body raises its error."""

    async def receive_or_refuse() -> Message:
        message = await receive()
        refusal: ApplicationError | None = scope["state"].get(REFUSAL)
        if refusal is not None:
            raise refusal
        return message

    await app(scope, receive_or_refuse, send)


def _new_parser(protocol: HttpToolsProtocol) -> HttpRequestParser:
    """Return a parser with uvicorn's configuration."""
    parser = HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def _as_bytes(error: ApplicationError, state: dict[str, Any]) -> bytes:
    response = problem_response(error, state)
    response.headers.update({"X-Request-ID": state["request_id"], "Connection": "close"})
    status = HTTPStatus(response.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
