"""404: no such account for this caller."""

from multi_tenant_db.errors import ApplicationError


class AccountNotFound(ApplicationError):
    """The account does not exist, or not for this caller: the two cannot be told apart."""

    status = 404
    code = "account_not_found"
    title = "The account does not exist"
    detail = "No account with this id is within your reach."
