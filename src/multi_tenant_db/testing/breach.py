"""A way past the isolation of a table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Breach:
    """Which caller reached what by which verb, and the remedy."""

    verb: str
    caller: str
    """Empty for what the catalogue lint finds."""
    what: str
    remedy: str
