"""The body of `POST /accounts/{account_id}/bookings`."""

from pydantic import BaseModel, ConfigDict, Field

from multi_tenant_db.schemas.fields import NUMBER_LIMIT


class Booking(BaseModel):
    """An amount in the currency's smallest unit; a negative one reduces the balance."""

    model_config = ConfigDict(extra="forbid")

    amount: int = Field(
        ge=-NUMBER_LIMIT, le=NUMBER_LIMIT, strict=True, description="Added to the balance.", examples=[2_500]
    )
