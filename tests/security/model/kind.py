"""The four kinds of caller."""

from enum import StrEnum


class Kind(StrEnum):
    """An unauthenticated caller presents no live token, or one that does not fit its role."""

    OPERATOR = "platform operator"
    PARENT = "parent"
    SUBSIDIARY = "subsidiary"
    UNAUTHENTICATED = "unauthenticated"
