"""405: the path exists, not with this method."""

from multi_tenant_db.errors.application_error import ApplicationError


class MethodNotAllowed(ApplicationError):
    """The endpoint does not know the method."""

    status = 405
    code = "method_not_allowed"
    title = "The method is not allowed here"
    detail = "Use one of the methods in the Allow header."
