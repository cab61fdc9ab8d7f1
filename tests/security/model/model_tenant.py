"""A tenant as the model knows it."""

from typing import NamedTuple
from uuid import UUID


class ModelTenant(NamedTuple):
    """What may differ between two tenants; a parent has no parent_id. `note` stands for the metadata."""

    parent_id: UUID | None
    name: str
    note: int
    version: int = 1

    def written(self, *, note: int, name: str | None = None) -> "ModelTenant":
        """Return the tenant after an update, which always raises the version."""
        return self._replace(note=note, name=name or self.name, version=self.version + 1)
