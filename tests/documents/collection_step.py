"""One request of the collection."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CollectionStep:
    """A call of an operation, with what is expected of its answer and remembered for later steps."""

    name: str
    operation: str
    status: int
    caller: str = "operator"
    """Whose token is sent; none if empty."""
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    remember: dict[str, str] = field(default_factory=dict)
    """Variables and the expressions that they are taken from."""
    expect: dict[str, str] = field(default_factory=dict)
    """Expressions on the answer, and what they must equal."""
