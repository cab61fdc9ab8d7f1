"""409: the same request is being carried out."""

from multi_tenant_db.errors.application_error import ApplicationError


class RequestInProgress(ApplicationError):
    """A request with the same Idempotency-Key has not finished within the time a lock is waited for."""

    status = 409
    code = "request_in_progress"
    title = "The same request is in progress"
    detail = "A request with this Idempotency-Key is being carried out; repeat it shortly for its answer."
    retry_after_seconds = 1
