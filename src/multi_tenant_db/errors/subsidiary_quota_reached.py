"""409: an operator limits the number of an organisation's subsidiaries."""

from typing import Self

from multi_tenant_db.errors.application_error import ApplicationError


class SubsidiaryQuotaReached(ApplicationError):
    """The organisation has as many subsidiaries as its quota allows; other organisations are not counted."""

    status = 409
    code = "subsidiary_quota_reached"
    title = "The organisation has its maximum of subsidiaries"
    detail = "Delete a subsidiary, or ask the operator of the service for a higher quota."

    @classmethod
    def of(cls, maximum: str) -> Self:
        """Return the error with the quota in its detail."""
        how_many = "1 subsidiary" if maximum == "1" else f"{maximum} subsidiaries"
        return cls(f"The organisation may have at most {how_many}. {cls.detail}")
