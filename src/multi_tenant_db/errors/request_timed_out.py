"""504: no answer in time."""

from multi_tenant_db.errors.application_error import ApplicationError


class RequestTimedOut(ApplicationError):
    """The answer was not ready after `request_timeout_seconds`; the transaction was given up."""

    status = 504
    code = "request_timed_out"
    title = "The request took too long"
    detail = "Read before you repeat a change: it may have been committed. Then try again."
    retry_after_seconds = 1
