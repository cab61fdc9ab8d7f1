"""A page in a response."""

from uuid import UUID

from pydantic import BaseModel

from benchmarks.peers.textbook.tenant_out import TenantOut


class PageOut(BaseModel):
    """Tenants, and the id after which the next page begins."""

    items: list[TenantOut]
    next_cursor: UUID | None
