"""A caller whose SQL is tried on a table."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class IsolationCaller:
    """SQL of the service's role with a token, or without one."""

    name: str
    token: str | None
    reach: frozenset[UUID] | None
    """The tenants whose rows it may reach; None is every tenant."""
    as_platform: bool = False
    """Whether the SQL first switches to the role tenancy_platform, as a platform operator's request does."""

    knows: frozenset[UUID] = frozenset()
    """Tenants whose ids the token itself tells: its own, and the head of its organisation."""

    @property
    def role(self) -> str:
        """The role whose grants and policies apply."""
        return "tenancy_platform" if self.as_platform else "tenancy_api"

    def may_reach(self, tenant_id: UUID) -> bool:
        """Return whether rows of the tenant are within its reach."""
        return self.reach is None or tenant_id in self.reach
