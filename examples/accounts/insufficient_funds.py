"""409: the balance does not suffice."""

from multi_tenant_db.errors import ApplicationError


class InsufficientFunds(ApplicationError):
    """The booking would overdraw the account; the constraint in the database said so."""

    status = 409
    code = "insufficient_funds"
    title = "The balance does not suffice"
    detail = "Book at most what the account holds."
