"""409: deleting would orphan subsidiaries."""

from typing import Self

from multi_tenant_db.errors.application_error import ApplicationError


class TenantHasSubsidiaries(ApplicationError):
    """A parent with subsidiaries is deleted only when the caller says so."""

    status = 409
    code = "tenant_has_subsidiaries"
    title = "The tenant still has subsidiaries"
    detail = "Delete the subsidiaries first, or repeat the request with ?cascade=true to delete them as well."

    @classmethod
    def counting(cls, subsidiaries: int) -> Self:
        """Say how many stand in the way."""
        how_many = "1 subsidiary stands" if subsidiaries == 1 else f"{subsidiaries} subsidiaries stand"
        return cls(f"{how_many} in the way. {cls.detail}")
