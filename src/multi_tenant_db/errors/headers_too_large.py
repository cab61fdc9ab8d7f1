"""431: the headers exceed the limit."""

from multi_tenant_db.errors.application_error import ApplicationError


class HeadersTooLarge(ApplicationError):
    """The headers together exceed `max_header_bytes`."""

    status = 431
    code = "headers_too_large"
    title = "The headers are too large"
    detail = "Send fewer or shorter headers."
