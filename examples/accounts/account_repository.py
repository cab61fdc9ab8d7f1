"""The queries on accounts. None filters by caller: the policies do."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from examples.accounts.account import Account
from examples.accounts.insufficient_funds import InsufficientFunds
from multi_tenant_db.database.failures import constraint_name
from multi_tenant_db.models import Tenant


class AccountRepository:
    """Reads and writes accounts within the caller's reach, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, tenant_id: UUID, name: str) -> Account | None:
        """Insert an account; return None when the tenant does not exist for this caller."""
        holder = select(Tenant.organization_id, Tenant.tenant_id, literal(name)).where(Tenant.tenant_id == tenant_id)
        columns = ["organization_id", "tenant_id", "name"]
        statement = insert(Account).from_select(columns, holder).returning(Account)
        return (await self._session.scalars(statement)).one_or_none()

    async def list_all(self) -> Sequence[Account]:
        """Return the accounts in key order."""
        key = (Account.organization_id, Account.tenant_id, Account.account_id)
        return (await self._session.scalars(select(Account).order_by(*key))).all()

    async def book(self, account_id: UUID, amount: int) -> Account | None:
        """Add to the balance; return None when the account does not exist for this caller. Raises InsufficientFunds."""
        is_sought = Account.account_id == account_id
        statement = update(Account).where(is_sought).values(balance=Account.balance + amount).returning(Account)
        try:
            return (await self._session.scalars(statement)).one_or_none()
        except IntegrityError as violation:
            if constraint_name(violation) != "accounts_never_overdrawn":
                raise
            raise InsufficientFunds from violation
