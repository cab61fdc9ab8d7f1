"""What was found when everything was read again."""

from pydantic import BaseModel, ConfigDict

from multi_tenant_db.records.finding import Finding
from multi_tenant_db.records.moment import Moment


class Verification(BaseModel):
    """What was looked at, in a later transaction, and found."""

    model_config = ConfigDict(frozen=True)

    verified_at: Moment
    columns: dict[str, tuple[str, ...]]
    """All that were read, by table."""
    rows_read: int
    ids_sought: int
    names_sought: int
    names_known: int
    """If more than those sought: only whole names are found of the others, not in the middle of a text."""
    remaining: tuple[Finding, ...]
    """What should not be there."""
    mentions: tuple[Finding, ...]
    """Names of the erased in rows of others, which an erasure does not change."""
    events_kept: int
    not_read: tuple[str, ...]
    """Tables of the database that cannot be read here."""
