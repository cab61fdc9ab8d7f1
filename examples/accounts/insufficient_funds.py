"""409: the balance is insufficient."""

from multi_tenant_db.errors import ApplicationError


class InsufficientFunds(ApplicationError):
    """The booking would overdraw the account, which violates a constraint in the database."""

    status = 409
    code = "insufficient_funds"
    title = "The balance is insufficient"
    detail = "Book at most the account's balance."
