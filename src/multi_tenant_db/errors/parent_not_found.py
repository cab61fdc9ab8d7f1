"""422: no such parent."""

from multi_tenant_db.errors.application_error import ApplicationError


class ParentNotFound(ApplicationError):
    """`parent_tenant_id` is not the id of a parent tenant; subsidiaries have no subsidiaries."""

    status = 422
    code = "parent_not_found"
    title = "The parent tenant does not exist"
    detail = "Set parent_tenant_id to the id of a parent tenant."
