"""400: what arrived is no HTTP request."""

from multi_tenant_db.errors.application_error import ApplicationError


class MalformedRequest(ApplicationError):
    """The bytes break HTTP/1.1, or their end is ambiguous; the connection closes, for what follows cannot be told."""

    status = 400
    code = "malformed_request"
    title = "This is not an HTTP request"
    detail = "Send HTTP/1.1 with one Content-Length or chunked encoding; CONNECT is not served. Nothing was changed."
