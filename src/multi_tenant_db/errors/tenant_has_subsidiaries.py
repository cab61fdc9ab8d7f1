"""409: deleting would orphan subsidiaries."""

from multi_tenant_db.errors.application_error import ApplicationError


class TenantHasSubsidiaries(ApplicationError):
    """A parent with subsidiaries is deleted only when the caller says so."""

    status = 409
    code = "tenant_has_subsidiaries"
    title = "The tenant still has subsidiaries"
    detail = "Delete the subsidiaries first, or repeat the request with ?cascade=true to delete them as well."
