"""The certificate of an erasure."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from multi_tenant_db.records.moment import Moment
from multi_tenant_db.records.verification import Verification

OUT_OF_REACH = (
    "backups, archived WAL, and WAL that is kept: until they expire",
    "standbys: until they have replayed the erasure",
    "dead rows in the tables' files: until VACUUM; then free space, until it is overwritten",
    "PostgreSQL's catalogues and large objects, which hold no rows of tenants",
    "logs of PostgreSQL and of the service, and what they were shipped to",
    "pg_stat_statements, if installed: texts of statements of other programs",
    "exports of `mtdb tenant export`, and answers that clients received",
    "hashes of moved tokens on other servers: until they expire; they hold no names",
)


class Certificate(BaseModel):
    """Names ids and no names, so that it can be kept."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    organization_id: UUID
    tenant_id: UUID
    complete: bool
    """Whether everything that can be read here was read again, and nothing was found that should not be there."""
    erased_at: Moment
    database_role: str
    server: str
    """The label in the settings."""
    system_identifier: str
    database: str
    server_version: str
    schema_revision: str
    tenants: int
    """Those erased, also ones that were deleted earlier and had only their audit trail."""
    deleted_rows: dict[str, int]
    events_replaced: int
    verification: Verification | None
    """None if reading again failed."""
    out_of_reach: tuple[str, ...] = OUT_OF_REACH
