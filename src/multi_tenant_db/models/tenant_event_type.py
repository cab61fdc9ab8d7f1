"""What can happen to a tenant."""

from enum import StrEnum


class TenantEventType(StrEnum):
    """The verbs of the audit trail."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
