"""408: the body did not arrive in time."""

from multi_tenant_db.errors.application_error import ApplicationError


class BodyTooSlow(ApplicationError):
    """The body was not complete after `body_timeout_seconds`; it is read before a database connection is acquired."""

    status = 408
    code = "body_too_slow"
    title = "The body arrived too slowly"
    detail = "Send the whole body at once; nothing was changed."
