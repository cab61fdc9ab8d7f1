"""415: the body is not declared as JSON."""

from multi_tenant_db.errors.application_error import ApplicationError


class UnsupportedMediaType(ApplicationError):
    """The body is not declared as JSON, so it is not parsed."""

    status = 415
    code = "unsupported_media_type"
    title = "The content type is not supported"
    detail = "Send the body as 'Content-Type: application/json' in UTF-8, without a Content-Encoding."
