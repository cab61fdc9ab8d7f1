"""Bytes to the service over a connection of their own, and everything that comes back until it closes."""

import json
import socket
import time
from contextlib import suppress
from threading import Thread

from tests.support.wire_answer import parse_head

HANG_SECONDS = 10
SECONDS_BETWEEN_PIECES = 0.01
INTERIM = range(100, 200)


def exchange(port: int, data: bytes) -> list[str]:
    """Send the data and return every answer; raises TimeoutError when the server neither answers nor hangs up."""
    return answers_in(converse(port, data))


def converse(port: int, *pieces: bytes) -> bytes:
    """Send the pieces, each in a packet of its own, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # In a thread, since the server may answer and hang up before it has read everything.
        sender = Thread(target=_send, args=(connection, pieces))
        sender.start()
        received = bytearray()
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65_536):
                received += chunk
        sender.join(HANG_SECONDS)
    return bytes(received)


def answers_in(received: bytes) -> list[str]:
    """Return each answer as "status code": the problem's code, or (server) where the HTTP server spoke itself."""
    answers = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, f"half an answer: {head!r}"
        status, headers = parse_head(head)
        if status in INTERIM:
            continue
        length = int(dict(headers).get("content-length", "0"))
        body, received = received[:length], received[length:]
        answers.append(_described(status, head, body))
    return answers


def _described(status: int, head: bytes, body: bytes) -> str:
    if b"content-type: application/problem+json" in head:
        return f"{status} {json.loads(body)['code']}" if body else f"{status} (no body)"
    return f"{status} (server)" if b"text/plain" in head else str(status)


def _send(connection: socket.socket, pieces: tuple[bytes, ...]) -> None:
    with suppress(OSError):
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(SECONDS_BETWEEN_PIECES)
            connection.sendall(piece)
