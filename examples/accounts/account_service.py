"""Operations on accounts."""

from collections.abc import Sequence
from uuid import UUID

from examples.accounts.account import Account
from examples.accounts.account_not_found import AccountNotFound
from examples.accounts.account_repository import AccountRepository
from multi_tenant_db.errors import TenantNotFound


class AccountService:
    """The operations on accounts. The database's policies define who may do what."""

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def open_account(self, tenant_id: UUID, name: str) -> Account:
        """Open an account for a tenant; raises TenantNotFound."""
        account = await self._accounts.add(tenant_id, name)
        if account is None:
            raise TenantNotFound
        return account

    async def list_accounts(self) -> Sequence[Account]:
        """Return the accounts within reach."""
        return await self._accounts.list_all()

    async def book(self, account_id: UUID, amount: int) -> Account:
        """Add an amount, which may be negative; raises AccountNotFound or InsufficientFunds."""
        account = await self._accounts.book(account_id, amount)
        if account is None:
            raise AccountNotFound
        return account
