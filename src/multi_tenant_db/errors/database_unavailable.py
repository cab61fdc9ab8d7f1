"""503: the database is unavailable."""

from multi_tenant_db.errors.application_error import ApplicationError


class DatabaseUnavailable(ApplicationError):
    """The database is unreachable, overloaded or too slow; the same request may succeed later."""

    status = 503
    code = "database_unavailable"
    title = "The service is temporarily unavailable"
    detail = "Nothing was changed, unless the connection broke during the commit. Try again shortly."
    retry_after_seconds = 1
