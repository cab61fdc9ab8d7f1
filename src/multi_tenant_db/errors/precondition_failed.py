"""412: If-Match names another version."""

from multi_tenant_db.errors.application_error import ApplicationError


class PreconditionFailed(ApplicationError):
    """The tenant was modified since the caller read it."""

    status = 412
    code = "precondition_failed"
    title = "The tenant has changed"
    detail = "Read the tenant again, check your change, and send the new ETag in If-Match."
