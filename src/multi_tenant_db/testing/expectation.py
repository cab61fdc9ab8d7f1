"""What a trial on a table must come to."""

from enum import StrEnum


class Expectation(StrEnum):
    """How the outcome of a trial is judged. A refusal is always accepted."""

    ROWS_IN_REACH = "rows in reach"
    """It returns organization_id and tenant_id of the rows it reached."""
    COUNT_IN_REACH = "count in reach"
    """It reaches at most as many rows as are within reach."""
    NO_ROW = "no row"
    """It aims at rows out of reach and must not reach any."""
    REFUSAL = "refusal"
    """It must be refused."""
