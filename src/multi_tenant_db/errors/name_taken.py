"""409: names are unique inside an organisation."""

from multi_tenant_db.errors.application_error import ApplicationError


class NameTaken(ApplicationError):
    """The organisation has a tenant of this name; names of other organisations are not compared."""

    status = 409
    code = "name_taken"
    title = "The name is taken"
    detail = "Another tenant of the same organisation has this name; choose a different one."
