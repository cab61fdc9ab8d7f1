"""414: the path and query exceed the limit."""

from multi_tenant_db.errors.application_error import ApplicationError


class TargetTooLong(ApplicationError):
    """Path and query together exceed `max_header_bytes`."""

    status = 414
    code = "target_too_long"
    title = "The path and query are too long"
    detail = "Send a shorter path and query; /docs lists the endpoints and their parameters."
