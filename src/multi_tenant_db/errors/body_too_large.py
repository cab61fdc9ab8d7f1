"""413: the body exceeds the limit."""

from multi_tenant_db.errors.application_error import ApplicationError


class BodyTooLarge(ApplicationError):
    """The body exceeds `max_body_bytes`; the rest of it is not read."""

    status = 413
    code = "body_too_large"
    title = "The body is too large"
    detail = "Send a smaller body."
