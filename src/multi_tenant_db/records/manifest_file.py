"""A file of an export."""

from pydantic import BaseModel, ConfigDict, Field


class ManifestFile(BaseModel):
    """What the manifest says of a table's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    table: str
    columns: tuple[str, ...]
    """Names with types, sorted by name."""
    rows: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
