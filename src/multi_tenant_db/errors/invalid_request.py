"""422: the request breaks a rule."""

from multi_tenant_db.errors.application_error import ApplicationError


class InvalidRequest(ApplicationError):
    """A value breaks a rule; `errors` lists each with a pointer into the request."""

    status = 422
    code = "invalid_request"
    title = "The request is invalid"
    detail = "Correct the members listed in errors; each pointer locates one."
    example_members = {  # noqa: RUF012 - ClassVar in the base class
        "errors": [{"pointer": "/body/name", "detail": "A name has 1 to 200 characters after trimming"}]
    }
