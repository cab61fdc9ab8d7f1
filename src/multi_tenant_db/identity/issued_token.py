"""An access token without its secret."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An issued token; neither the token nor its hash is ever read back."""

    token_id: UUID
    role: str
    organization_id: UUID | None
    tenant_id: UUID | None
    label: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    may_write: bool
    operator_token_id: UUID | None
    """Of a view token: the platform operator's token that it was issued with."""
    operator_label: str | None

    @property
    def state(self) -> str:
        """`live`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if self.expires_at > datetime.now(UTC) else "expired"
