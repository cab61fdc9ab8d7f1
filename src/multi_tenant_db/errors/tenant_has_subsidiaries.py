"""409: deleting would orphan subsidiaries."""

from typing import Self

from multi_tenant_db.errors.application_error import ApplicationError


class TenantHasSubsidiaries(ApplicationError):
    """A parent with subsidiaries is deleted only with `cascade=true`."""

    status = 409
    code = "tenant_has_subsidiaries"
    title = "The tenant still has subsidiaries"
    detail = "Delete the subsidiaries first, or repeat the request with ?cascade=true to delete them as well."

    @classmethod
    def counting(cls, subsidiaries: int) -> Self:
        """Return the error with the number of subsidiaries in its detail."""
        how_many = "1 subsidiary" if subsidiaries == 1 else f"{subsidiaries} subsidiaries"
        return cls(f"The tenant has {how_many}. {cls.detail}")
