"""What must hold before there is a request: its framing, and the limits of its head."""

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
"""Where a request's state holds why its body is refused."""


class HeaderLimitsProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for the end of a head for ever and keeps however much of it arrives.

    What is not HTTP is answered 400, a head too large 414 or 431, one too slow 408; the answer is a problem document,
    is logged and counted like any other, and the connection closes. Trailers behind a body are dropped: uvicorn would
    take them for headers, past whatever checked those (RFC 9110, section 6.5.1).

    A request that was handed on is answered by the application alone: where its body is refused, reading the body
    raises the error. What is refused behind requests that are still being answered is refused after their answers.

    An offer to upgrade is ignored (section 7.8). The parser would end the message at its head and take the body for the
    next request; so the same head goes through a new parser without its `Upgrade` lines, and the body follows.
    """

    _settings: Settings
    _largest_head: int
    _in_head = True
    _in_body = False
    _is_refused = False
    _last_word: ApplicationError | None = None
    _head_began: float
    _unread_bytes = 0
    _patience: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn itself narrows it
        """Wait for a head, but not for long."""
        super().connection_made(transport)
        self.url = b""
        self.app = partial(_serve, self.app)
        self._settings = self.app_state["settings"]
        # One as large as is allowed may arrive in one piece with more; what is in between is the service's to refuse.
        self._largest_head = 2 * self._settings.max_header_bytes
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        if self._last_word is not None:
            self._record({"request_id": str(uuid4()), "problem": self._last_word.code}, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrives; count it while neither a head nor a piece of a body is complete."""
        if self._is_refused:
            return
        self._unread_bytes += len(data)
        self._unset_keepalive_if_required()
        if not self._parse(data):
            self._refuse(MalformedRequest())
        elif self.transport.is_closing():
            return
        elif self._unread_bytes > self._largest_head:
            self._refuse(TargetTooLong() if len(self.url) > self._settings.max_header_bytes else HeadersTooLarge())
        elif self._patience is None and not self._is_answering():
            # Blank lines between requests stop uvicorn's own clock.
            self._wait()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._expect_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Keep as much as shows that it is too long."""
        super().on_url(url[: max(0, self._largest_head - len(self.url))])

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, leave a trailer."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request on, unless its head is to be parsed again."""
        if self.parser.should_upgrade():
            return
        self._check_head()
        self._in_head = False
        self._in_body = True
        self._unread_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that the body goes on: its own limits hold from here."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        if self.parser.should_upgrade():
            return
        self._in_body = False
        self._unread_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Say what was left to be said behind the last answer."""
        super().on_response_complete()
        if self._last_word is not None and not self._is_answering() and not self.transport.is_closing():
            self._hang_up(self._last_word)
            self._last_word = None

    def _check_head(self) -> None:
        """Give a target without a path the path `/` (RFC 9112, section 3.2); raise MalformedRequest.

        The parser takes versions that are not ours, and every list of encodings that ends with chunked.
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
        """Feed the parser; return False when the bytes are not HTTP."""
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
        """Write the head that was just parsed anew, without what the parser would take for a change of protocol."""
        version = self.parser.get_http_version().encode()
        lines = [b" ".join((self.parser.get_method(), self.url, b"HTTP/" + version))]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _expect_head(self) -> None:
        self._in_head = True
        self._head_began = perf_counter()
        self._wait()

    def _wait(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(self._settings.body_timeout_seconds, self._lose_patience)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        if self._is_answering():
            self._wait()
        elif self._in_head and self._unread_bytes:
            self._refuse(BodyTooSlow("Send the whole request at once; nothing was changed."))
        else:
            self.transport.close()

    def _refuse(self, error: ApplicationError) -> None:
        """Read no more, and say why as soon as that cannot be taken for the answer to another request."""
        self._is_refused = True
        self._stop_waiting()
        if self._in_body and self._is_answering():
            self.cycle.scope["state"][REFUSAL] = error
            self.cycle.keep_alive = False
            self.cycle.message_event.set()
        elif self._in_body:
            # Its answer has left already.
            self.transport.close()
        elif self._is_answering():
            self._last_word = error
        else:
            self._hang_up(error)

    def _hang_up(self, error: ApplicationError) -> None:
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
    """Run the application; what it reads raises the error for which the body is refused."""

    async def receive_or_refuse() -> Message:
        message = await receive()
        refusal: ApplicationError | None = scope["state"].get(REFUSAL)
        if refusal is not None:
            raise refusal
        return message

    await app(scope, receive_or_refuse, send)


def _new_parser(protocol: HttpToolsProtocol) -> HttpRequestParser:
    """Return a parser as uvicorn sets its own."""
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
