"""A page in an answer."""

from uuid import UUID

from pydantic import BaseModel

from benchmarks.peers.textbook.tenant_out import TenantOut


class PageOut(BaseModel):
    """Some tenants, and after which id the next page begins."""

    items: list[TenantOut]
    next_cursor: UUID | None
