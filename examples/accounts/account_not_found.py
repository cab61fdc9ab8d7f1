"""404: no such account for this caller."""

from multi_tenant_db.errors import ApplicationError


class AccountNotFound(ApplicationError):
    """The account does not exist or is outside the caller's reach; the response is the same."""

    status = 404
    code = "account_not_found"
    title = "The account does not exist"
    detail = "No account with this id is within your reach."
