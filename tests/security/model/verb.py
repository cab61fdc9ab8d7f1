"""What a statement does."""

from enum import StrEnum


class Verb(StrEnum):
    """The statements that reach rows; an upsert is an INSERT that says what to do about a conflict."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    MERGE = "MERGE"
