"""409: the same request is in progress."""

from multi_tenant_db.errors.application_error import ApplicationError


class RequestInProgress(ApplicationError):
    """A request with the same Idempotency-Key has not finished within the lock timeout."""

    status = 409
    code = "request_in_progress"
    title = "The same request is in progress"
    detail = "A request with this Idempotency-Key is in progress; repeat it shortly for its response."
    retry_after_seconds = 1
