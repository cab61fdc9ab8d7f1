"""400: the headers can be read in two ways."""

from multi_tenant_db.errors.application_error import ApplicationError


class AmbiguousHeaders(ApplicationError):
    """A header that counts once came twice, or Host is missing: a proxy in front may have read another request."""

    status = 400
    code = "ambiguous_headers"
    title = "The headers are ambiguous"
    detail = "Send Host, and send each of Host, Authorization, Content-Type and Idempotency-Key only once."
