"""What a caller may be."""

from enum import StrEnum


class CallerRole(StrEnum):
    """The kinds of caller; what each may do is stated by the policies in the database, and only there."""

    PLATFORM_OPERATOR = "platform_operator"
    PARENT = "parent"
    SUBSIDIARY = "subsidiary"
