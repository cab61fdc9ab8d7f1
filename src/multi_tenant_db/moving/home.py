"""A server that has an organisation."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Home:
    """An organisation found on a server, by its id or its name."""

    server: str
    organization_id: UUID
    name: str
    moves_to: str | None
    """The label of the server that it is moving to, if this is the server that it comes from."""
