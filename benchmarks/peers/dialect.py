"""The requests and responses of a peer."""

from abc import ABC, abstractmethod
from typing import Any
from uuid import UUID

from benchmarks.data.caller import Caller


class Dialect(ABC):
    """Composes each request as bytes, and parses its response into the service's fields."""

    created = 200
    deleted = 200

    @abstractmethod
    def read(self, caller: Caller, tenant_id: UUID) -> bytes:
        """Compose a read of a tenant."""

    @abstractmethod
    def page(self, caller: Caller, limit: int, after: UUID | None = None) -> bytes:
        """Compose a read of a page."""

    @abstractmethod
    def create(self, caller: Caller, name: str) -> bytes:
        """Compose the creation of a subsidiary."""

    @abstractmethod
    def replace(self, caller: Caller, tenant_id: UUID, name: str) -> bytes:
        """Compose the replacement of name and metadata."""

    @abstractmethod
    def delete(self, caller: Caller, tenant_id: UUID) -> bytes:
        """Compose the deletion of a subsidiary."""

    @abstractmethod
    def deleted_text(self, tenant_id: UUID) -> bytes:
        """Return what the response to a deletion must contain."""

    @abstractmethod
    def tenant_in(self, body: bytes) -> dict[str, Any]:
        """Parse the response to `read`."""

    @abstractmethod
    def page_in(self, body: bytes) -> tuple[list[dict[str, Any]], bool]:
        """Parse the response to `page`: the tenants, and whether more follow."""
