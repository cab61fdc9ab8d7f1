"""429: an organisation's requests exceed its limit."""

from multi_tenant_db.errors.application_error import ApplicationError


class TooManyRequests(ApplicationError):
    """The organisation sent more than `max_organization_requests_per_second` requests to this worker."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"
    detail = "Nothing was changed. Your organisation's limit is in RateLimit-Policy; try again after Retry-After."
    retry_after_seconds = 1
