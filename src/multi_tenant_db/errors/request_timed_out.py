"""504: no response in time."""

from multi_tenant_db.errors.application_error import ApplicationError


class RequestTimedOut(ApplicationError):
    """The response was not ready after `request_timeout_seconds`; the transaction was cancelled."""

    status = 504
    code = "request_timed_out"
    title = "The request took too long"
    detail = "Read before you repeat a change: it may have been committed. Then try again."
    retry_after_seconds = 1
