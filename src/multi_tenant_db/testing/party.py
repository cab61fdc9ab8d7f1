"""A caller with a token."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Party:
    """A tenant with a live token."""

    tenant_id: UUID
    name: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP client sends to act as this party."""
        return {"Authorization": f"Bearer {self.token}"}
