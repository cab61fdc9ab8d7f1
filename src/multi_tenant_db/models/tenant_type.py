"""The two levels of an organisation."""

from enum import StrEnum


class TenantType(StrEnum):
    """A parent heads its organisation; a subsidiary stands under a parent."""

    PARENT = "parent"
    SUBSIDIARY = "subsidiary"
