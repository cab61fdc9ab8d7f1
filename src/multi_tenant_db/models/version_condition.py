"""Conditions on a tenant's version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionCondition:
    """The versions that a request accepts: `accepted`, None meaning any, except `refused`."""

    accepted: frozenset[int] | None = None
    refused: frozenset[int] = frozenset()

    def holds_for(self, version: int) -> bool:
        """Return whether the version fulfils the condition."""
        return (self.accepted is None or version in self.accepted) and version not in self.refused


ANY_VERSION = VersionCondition()
