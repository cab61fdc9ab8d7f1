"""The health of one server, in the response of `GET /health`."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Database = Annotated[
    Literal["connected", "read_only", "no_fitting_server", "unreachable"],
    Field(
        description=(
            "Whether the database is reachable; `read_only` as on a standby, where every write is 503; "
            "`no_fitting_server` when servers respond, but none as the URL asks for, as during a failover."
        ),
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
Reads = Annotated[
    Literal["primary", "standby"],
    Field(
        description="Whether reads go to a standby at present; only where one is configured.",
        examples=["standby"],
    ),
]


class ServerHealth(BaseModel):
    """Health of a database; contains no secret."""

    database: Database
    schema_revision: SchemaRevision
    reads: Reads = "primary"

    @property
    def is_usable(self) -> bool:
        """Whether requests for this server are served, at least reads."""
        return self.schema_revision in {"current", "compatible"}
