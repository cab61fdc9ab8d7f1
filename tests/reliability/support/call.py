"""A request that a client means to see done."""

from typing import Any, NamedTuple


class Call(NamedTuple):
    """What is sent, which answers are right, and which besides once it had to be repeated."""

    method: str
    target: str
    right: frozenset[int]
    right_again: frozenset[int] = frozenset()
    body: dict[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()
