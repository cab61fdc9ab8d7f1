"""400: If-Match or If-None-Match cannot be parsed."""

from multi_tenant_db.errors.application_error import ApplicationError


class MalformedPrecondition(ApplicationError):
    """The header is not a list of entity tags (RFC 9110, section 8.8.3)."""

    status = 400
    code = "malformed_precondition"
    title = "The precondition is malformed"
    detail = "Send entity tags as in the ETag header, quotes included, separated by commas, or a single *."
