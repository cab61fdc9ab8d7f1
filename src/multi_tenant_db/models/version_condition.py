"""What a client demands of a tenant's version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionCondition:
    """The versions that a change may meet: those accepted, None meaning any, except those refused."""

    accepted: frozenset[int] | None = None
    refused: frozenset[int] = frozenset()

    def holds_for(self, version: int) -> bool:
        """Say whether a tenant of this version may be changed."""
        return (self.accepted is None or version in self.accepted) and version not in self.refused


ANY_VERSION = VersionCondition()
