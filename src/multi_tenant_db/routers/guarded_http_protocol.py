"""The limits that must hold before there is a request to speak of."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import cast
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from multi_tenant_db.errors import ApplicationError, BodyTooSlow, HeadersTooLarge, TargetTooLong
from multi_tenant_db.routers.problem_responses import problem_response
from multi_tenant_db.settings import Settings


class GuardedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for the end of a head for ever and keeps however much of it arrives.

    A head too large is answered 414 or 431, one too slow 408, and the connection closes. Trailers behind
    a body are dropped: uvicorn would take them for headers, past whatever checked those (RFC 9110, section 6.5.1).
    """

    _settings: Settings
    _largest_head: int
    _in_head = True
    _unread_bytes = 0
    _patience: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn itself narrows it
        """Wait for a head, but not for long."""
        super().connection_made(transport)
        self.url = b""
        self._settings = self.app_state["settings"]
        # One as large as is allowed may arrive in one piece with more; what is in between is the service's to refuse.
        self._largest_head = 2 * self._settings.max_header_bytes
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives while neither a head nor a piece of a body is complete."""
        self._unread_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._unread_bytes > self._largest_head:
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
        """Hand the request on."""
        self._in_head = False
        self._unread_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that the body goes on: its own limits hold from here."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        self._unread_bytes = 0
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._in_head = True
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
        """Hang up; say why, unless that would be taken for the answer to an earlier request."""
        its_body = not self._in_head and not self.pipeline and not self.cycle.response_started
        if its_body or not self._is_answering():
            self.transport.write(_as_bytes(error))
        self.transport.close()

    def _is_answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete


def _as_bytes(error: ApplicationError) -> bytes:
    request_id = str(uuid4())
    response = problem_response(error, {"request_id": request_id})
    response.headers.update({"X-Request-ID": request_id, "Connection": "close"})
    status = HTTPStatus(response.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
