"""403: a policy of the database rejected the operation."""

from multi_tenant_db.errors.application_error import ApplicationError


class OperationNotPermitted(ApplicationError):
    """The caller is authenticated, but lacks the permission."""

    status = 403
    code = "operation_not_permitted"
    title = "The operation is not permitted"
    detail = "A parent may add and delete its own subsidiaries; only a platform operator may add and delete parents."
