"""The name of a move's publication, replication slot and subscription."""

from uuid import UUID

PREFIX = "mtdb_move_"


def move_name(organization_id: UUID) -> str:
    """Return the name; it needs no quotes."""
    return f"{PREFIX}{organization_id.hex}"
