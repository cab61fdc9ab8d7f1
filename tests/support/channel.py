"""A way to the service for callers who come and go."""

from typing import Protocol

from tests.support.wire_answer import WireAnswer


class Channel(Protocol):
    """One caller's connection; over TCP, or straight into the application.

    `abandoned` says in a word what an abandoned request is.
    """

    abandoned: str

    async def ask(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None) -> WireAnswer:
        """Send a request and wait for its answer."""

    async def abandon(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, after: float
    ) -> None:
        """Send a request and be gone after so many seconds, answer or not."""

    async def close(self) -> None:
        """Hang up."""
