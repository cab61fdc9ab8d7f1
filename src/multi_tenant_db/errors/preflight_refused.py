"""400: a page asked whether it may send a request, and it may not."""

from multi_tenant_db.errors.application_error import ApplicationError


class PreflightRefused(ApplicationError):
    """A browser asked for a page of another origin (CORS), whose origin, method or headers are not allowed."""

    status = 400
    code = "preflight_refused"
    title = "Pages may not send this request"
    detail = "Only pages of the origins in MTDB_CORS_ORIGINS may call, with the methods and headers of this API."
