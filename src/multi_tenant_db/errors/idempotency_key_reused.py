"""422: the Idempotency-Key belongs to another request."""

from multi_tenant_db.errors.application_error import ApplicationError


class IdempotencyKeyReused(ApplicationError):
    """The tenant used the key within 24 hours for a request with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another request"
    detail = "Send a new Idempotency-Key for a new request; repeat a key only with the same body."
