"""One TCP connection to the service, without a library that would mend what an attacker sends."""

import json
import socket
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from tests.support.party import Party
from tests.support.wire_answer import WireAnswer, body_length, compose, parse_head

TIMEOUT_SECONDS = 15


class Wire:
    """Sends bytes, reads answers, one after the other; kept alive as long as the server does."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(  # noqa: PLR0913 - what a request is made of
        self,
        method: str,
        target: str,
        party: Party | None = None,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        json_body: Any = None,
        host: str = "service",
    ) -> WireAnswer:
        """Send a request, as somebody or as nobody, and return the answer."""
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if party is not None:
            pairs += [("Authorization", f"Bearer {party.token}")]
        body = None
        if json_body is not None:
            pairs += [("Content-Type", "application/json")]
            body = json_body if isinstance(json_body, bytes) else json.dumps(json_body).encode()
        return self.exchange(compose(method, target, pairs, body, host), method)

    def exchange(self, request: bytes, method: str = "GET") -> WireAnswer:
        """Send these bytes and return the answer; ConnectionError when the server hangs up instead."""
        self._socket.sendall(request)
        return self.receive(method)

    def receive(self, method: str = "GET") -> WireAnswer:
        """Read one answer; several may follow one another when one request was taken for two."""
        while b"\r\n\r\n" not in self._received:
            self._read()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        length = body_length(method, status, headers)
        while len(self._received) < length:
            self._read()
        body, self._received = self._received[:length], self._received[length:]
        return WireAnswer(status, headers, body)

    def says_nothing_more(self, seconds: float = 0.2) -> bool:
        """Wait a little and tell whether the server sent nothing beyond the answers that were read."""
        self._socket.settimeout(seconds)
        try:
            return not self._received and not self._socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(TIMEOUT_SECONDS)

    def _read(self) -> None:
        chunk = self._socket.recv(65_536)
        if not chunk:
            raise ConnectionError("the server hung up")
        self._received += chunk
