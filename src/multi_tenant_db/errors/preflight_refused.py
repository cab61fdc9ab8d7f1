"""400: a CORS preflight is refused."""

from multi_tenant_db.errors.application_error import ApplicationError


class PreflightRefused(ApplicationError):
    """The preflight's origin, method or headers are not allowed (CORS)."""

    status = 400
    code = "preflight_refused"
    title = "Pages may not send this request"
    detail = "Only pages of the origins in MTDB_CORS_ORIGINS may call, with the methods and headers of this API."
