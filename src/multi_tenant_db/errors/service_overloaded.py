"""503: too many requests at once."""

from multi_tenant_db.errors.application_error import ApplicationError


class ServiceOverloaded(ApplicationError):
    """More than `max_concurrent_requests` were being served; this one was turned away at once."""

    status = 503
    code = "service_overloaded"
    title = "The service is overloaded"
    detail = "Nothing was changed. Wait as long as Retry-After says, then try again."
    retry_after_seconds = 1
