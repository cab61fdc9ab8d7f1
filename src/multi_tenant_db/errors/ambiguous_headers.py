"""400: the headers can be read in two ways."""

from multi_tenant_db.errors.application_error import ApplicationError


class AmbiguousHeaders(ApplicationError):
    """A single-value header is repeated, or Host is missing: a proxy may have read the request differently."""

    status = 400
    code = "ambiguous_headers"
    title = "The headers are ambiguous"
    detail = "Send Host, and send each of Host, Authorization, Content-Type and Idempotency-Key only once."
