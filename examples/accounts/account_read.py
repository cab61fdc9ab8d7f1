"""An account in a response."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class AccountRead(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    account_id: UUID
    tenant_id: UUID
    name: str
    balance: int
