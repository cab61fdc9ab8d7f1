"""A moment at which both servers had the same rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Baseline:
    """The snapshots of the two servers, as PostgreSQL prints them: what they do not show has changed since."""

    ours: str
    theirs: str
