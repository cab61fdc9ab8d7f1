"""Types of events."""

from enum import StrEnum


class TenantEventType(StrEnum):
    """The types of events in the audit trail."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
