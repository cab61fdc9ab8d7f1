"""405: the path does not support the method."""

from multi_tenant_db.errors.application_error import ApplicationError


class MethodNotAllowed(ApplicationError):
    """The path exists, but not with this method."""

    status = 405
    code = "method_not_allowed"
    title = "The method is not allowed here"
    detail = "Use one of the methods in the Allow header."
