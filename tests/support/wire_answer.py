"""HTTP/1.1 as it stands on the wire."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

UNIQUE_TO_EACH = {"date", "x-request-id"}
BODILESS = {204, 304}


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """An answer, with every header as it was sent, in its order."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the header's value; fails when it was sent twice."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        """Return the body, parsed."""
        return json.loads(self.body)

    @property
    def observable(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """Everything a caller can tell apart, without what differs in any two answers: date and request id."""
        request_id = (self.header("x-request-id") or "none").encode()
        headers = tuple((name, value) for name, value in self.headers if name not in UNIQUE_TO_EACH)
        return self.status, headers, self.body.replace(request_id, b"")


def compose(
    method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes | None = None, host: str = "service"
) -> bytes:
    """Return a request's bytes; headers are written as they are, whatever they hold."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines += [f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def parse_head(head: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Return status and headers."""
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = [re.split(r":\s*", line, maxsplit=1) for line in rest]
    return int(first.split(" ")[1]), tuple((name.lower(), value) for name, value in pairs)


def body_length(method: str, status: int, headers: tuple[tuple[str, str], ...]) -> int:
    """Return how many bytes of body follow."""
    if method == "HEAD" or status in BODILESS:
        return 0
    return int(dict(headers)["content-length"])
