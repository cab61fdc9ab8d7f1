"""A limit of subsidiaries."""

from typing import NamedTuple
from uuid import UUID


class Quota(NamedTuple):
    """At most how many subsidiaries an organisation may have; without an organisation, the default."""

    organization_id: UUID | None
    max_subsidiaries: int
