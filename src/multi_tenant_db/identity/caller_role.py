"""Roles of callers."""

from enum import StrEnum


class CallerRole(StrEnum):
    """The roles of callers; only the policies in the database define what each may do."""

    PLATFORM_OPERATOR = "platform_operator"
    PARENT = "parent"
    SUBSIDIARY = "subsidiary"
