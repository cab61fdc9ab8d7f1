"""403: the access token may read only."""

from multi_tenant_db.errors.application_error import ApplicationError


class ReadOnlyToken(ApplicationError):
    """A policy of the database refused a write with a token that was issued to read."""

    status = 403
    code = "read_only_token"
    title = "The access token is read-only"
    detail = "Use a token that may write. The operator who issued this one can issue it."
