"""500: a defect of the service."""

from multi_tenant_db.errors.application_error import ApplicationError


class InternalError(ApplicationError):
    """A defect of the service; the log has the details under the request's id."""

    status = 500
    code = "internal_error"
    title = "Something went wrong"
    detail = "It has been logged. Quote the request_id when you report it."
