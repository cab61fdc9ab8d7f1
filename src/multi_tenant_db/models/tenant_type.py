"""The two levels of an organisation."""

from enum import StrEnum


class TenantType(StrEnum):
    """A parent is the head of its organisation; a subsidiary belongs to a parent."""

    PARENT = "parent"
    SUBSIDIARY = "subsidiary"
