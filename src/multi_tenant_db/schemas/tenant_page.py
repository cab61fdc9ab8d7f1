"""A page of tenants."""

from pydantic import BaseModel, Field

from multi_tenant_db.schemas.tenant_read import TenantRead


class TenantPage(BaseModel):
    """One page of a list, and where the next one begins."""

    items: list[TenantRead] = Field(
        description="In key order: an organisation's head first, then its subsidiaries as they were created."
    )
    next_cursor: str | None = Field(
        description="Pass it as `cursor` for the next page; null on the last page.",
        examples=["AZqfPlwbfUKaUT8Mbx4regGan0Eefg9Rhv1Dx2ZrTPg"],
    )
