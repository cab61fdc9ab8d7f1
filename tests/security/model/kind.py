"""The four kinds of caller."""

from enum import StrEnum


class Kind(StrEnum):
    """Nobody is whoever presents no live token, or one that does not fit the role he acts in."""

    OPERATOR = "platform operator"
    PARENT = "parent"
    SUBSIDIARY = "subsidiary"
    NOBODY = "nobody"
