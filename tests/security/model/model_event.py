"""A line of the audit trail as the model knows it."""

from typing import NamedTuple
from uuid import UUID


class ModelEvent(NamedTuple):
    """The tenant and what happened to it."""

    organization_id: UUID
    tenant_id: UUID
    event_type: str
