"""A place where the verification found something."""

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """A column with rows that hold an id, a token's hash, or a name."""

    model_config = ConfigDict(frozen=True)

    table: str
    column: str
    rows: int
