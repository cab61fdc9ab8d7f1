"""A request and its expected response."""

from typing import NamedTuple


class CheckedRequest(NamedTuple):
    """With `exact`, the body must equal `expected`; otherwise it must contain it."""

    request: bytes
    status: int
    expected: bytes
    exact: bool

    def mismatch(self, status: int, body: bytes) -> str | None:
        """Return how a response differs from the expected one, or None."""
        if status == self.status and (body == self.expected if self.exact else self.expected in body):
            return None
        line = self.request.partition(b"\r\n")[0].decode()
        return f"{line}: {status} {body[:500]!r}, expected {self.status} {self.expected[:500]!r}"
