"""404: no such tenant for this caller."""

from multi_tenant_db.errors.application_error import ApplicationError


class TenantNotFound(ApplicationError):
    """The tenant does not exist or is outside the caller's reach; the response is the same."""

    status = 404
    code = "tenant_not_found"
    title = "The tenant does not exist"
    detail = "No tenant with this id is within your reach."
