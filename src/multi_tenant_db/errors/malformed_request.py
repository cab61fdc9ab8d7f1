"""400: not an HTTP request."""

from multi_tenant_db.errors.application_error import ApplicationError


class MalformedRequest(ApplicationError):
    """The bytes violate HTTP/1.1 or have an ambiguous end. The connection closes: no next request can be found."""

    status = 400
    code = "malformed_request"
    title = "This is not an HTTP request"
    detail = "Send HTTP/1.1 with one Content-Length or chunked encoding; CONNECT is not served. Nothing was changed."
