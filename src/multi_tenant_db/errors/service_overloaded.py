"""503: too many requests at once."""

from multi_tenant_db.errors.application_error import ApplicationError


class ServiceOverloaded(ApplicationError):
    """More than `max_concurrent_requests` were in progress; the request was refused without waiting."""

    status = 503
    code = "service_overloaded"
    title = "The service is overloaded"
    detail = "Nothing was changed. Try again after the seconds in Retry-After."
    retry_after_seconds = 1
