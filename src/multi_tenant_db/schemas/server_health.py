"""The health of one server, in the response of `GET /health`."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Database = Annotated[
    Literal["connected", "read_only", "unreachable"],
    Field(
        description="Whether the database is reachable; `read_only` as on a standby, where every write is 503.",
        examples=["connected"],
    ),
]
SchemaRevision = Annotated[
    Literal["current", "compatible", "mismatch", "unknown"],
    Field(
        description="Whether the schema has this version's revision, or a newer one that is declared compatible.",
        examples=["current"],
    ),
]


class ServerHealth(BaseModel):
    """Health of a database; contains no secret."""

    database: Database
    schema_revision: SchemaRevision

    @property
    def is_usable(self) -> bool:
        """Whether requests for this server are served, at least reads."""
        return self.database != "unreachable" and self.schema_revision != "mismatch"
