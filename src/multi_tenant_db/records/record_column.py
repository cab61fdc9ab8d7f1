"""A column of a table that is exported."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordColumn:
    """How a column's values are written as JSON and read again. Names and types are quoted where they must be."""

    name: str
    key: str
    """The name as a string literal: the key in the JSON object."""
    cast: str
    """The type without its length, so that a value is not cut to it."""
    declared: str
    """Name and type, as the manifest shows them."""
    is_native: bool
    """Whether the value is JSON's own: true, 1, an object. Others are PostgreSQL's text, so that none is rounded."""
    is_generated: bool
    position_in_key: int | None
    is_collated: bool

    @property
    def as_json(self) -> str:
        """Return the member of the JSON object."""
        return f"{self.key} : {self.name}" if self.is_native else f"{self.key} : {self.name}::text"

    @property
    def from_json(self) -> str:
        """Return the expression that reads the value from `record`, a JSON object."""
        if self.cast == "jsonb":
            return f"record -> {self.key}"
        return f"(record ->> {self.key})::{self.cast}"

    @property
    def in_order(self) -> str:
        """Return the expression to order rows by: the same on servers with other collations."""
        return f'{self.name} COLLATE "C"' if self.is_collated else self.name
