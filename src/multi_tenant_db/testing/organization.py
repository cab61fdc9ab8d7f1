"""A banking group that was made for a test."""

from dataclasses import dataclass

from multi_tenant_db.testing.party import Party


@dataclass(frozen=True)
class Organization:
    """A parent and its subsidiaries, each with a live token."""

    parent: Party
    subsidiaries: list[Party]

    @property
    def parties(self) -> list[Party]:
        """The parent first, then the subsidiaries in the order of their creation, as lists show them."""
        return [self.parent, *self.subsidiaries]
