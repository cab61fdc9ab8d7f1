"""How one talks to a peer."""

from abc import ABC, abstractmethod
from typing import Any
from uuid import UUID

from benchmarks.data.caller import Caller


class Dialect(ABC):
    """Writes each request as bytes, and knows what the answer to it says, in the service's words."""

    created = 200
    deleted = 200

    @abstractmethod
    def read(self, caller: Caller, tenant_id: UUID) -> bytes:
        """Ask for one tenant."""

    @abstractmethod
    def page(self, caller: Caller, limit: int, after: UUID | None = None) -> bytes:
        """Ask for a page."""

    @abstractmethod
    def create(self, caller: Caller, name: str) -> bytes:
        """Create a subsidiary."""

    @abstractmethod
    def replace(self, caller: Caller, tenant_id: UUID, name: str) -> bytes:
        """Replace name and metadata."""

    @abstractmethod
    def delete(self, caller: Caller, tenant_id: UUID) -> bytes:
        """Delete a subsidiary."""

    @abstractmethod
    def deleted_text(self, tenant_id: UUID) -> bytes:
        """Give what the answer to a deletion contains."""

    @abstractmethod
    def tenant_in(self, body: bytes) -> dict[str, Any]:
        """Take the tenant out of the answer to `read`."""

    @abstractmethod
    def page_in(self, body: bytes) -> tuple[list[dict[str, Any]], bool]:
        """Take the tenants out of the answer to `page`, and whether more follow."""
