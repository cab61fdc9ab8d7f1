"""A page of tenants."""

from pydantic import BaseModel, Field

from multi_tenant_db.schemas.tenant_read import TenantRead


class TenantPage(BaseModel):
    """One page of a list and the cursor of the next page."""

    items: list[TenantRead] = Field(
        description="In key order: an organisation's head first, then its subsidiaries by time of creation.",
        examples=[
            [
                {
                    "tenant_id": "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a",
                    "name": "HSBC Hong Kong",
                    "tenant_type": "subsidiary",
                    "parent_tenant_id": "019a9f3e-1f00-7aa0-8c11-9d0e6b3f4c21",
                    "metadata": {"country": "HK", "currency": "HKD"},
                    "version": 1,
                    "created_at": "2026-11-21T09:30:00Z",
                    "updated_at": "2026-11-21T09:30:00Z",
                }
            ]
        ],
    )
    next_cursor: str | None = Field(
        description="Pass it as `cursor` for the next page; null on the last page.",
        examples=["AZqfPlwbfUKaUT8Mbx4regGan0Eefg9Rhv1Dx2ZrTPg"],
    )
