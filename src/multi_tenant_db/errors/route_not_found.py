"""404: no such path."""

from multi_tenant_db.errors.application_error import ApplicationError


class RouteNotFound(ApplicationError):
    """The path belongs to no endpoint."""

    status = 404
    code = "route_not_found"
    title = "There is nothing at this path"
    detail = "See /docs for the paths of this service."
