"""One request and the answer it must get."""

from typing import NamedTuple


class Shot(NamedTuple):
    """`exact`: the body is `expected`, byte for byte; otherwise it contains it."""

    request: bytes
    status: int
    expected: bytes
    exact: bool

    def complaint(self, status: int, body: bytes) -> str | None:
        """Tell what is wrong with an answer, if anything is."""
        if status == self.status and (body == self.expected if self.exact else self.expected in body):
            return None
        asked = self.request.partition(b"\r\n")[0].decode()
        return f"{asked}: {status} {body[:500]!r}, expected {self.status} {self.expected[:500]!r}"
