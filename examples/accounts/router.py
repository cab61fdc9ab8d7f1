"""The endpoints on accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from examples.accounts.account_create import AccountCreate
from examples.accounts.account_read import AccountRead
from examples.accounts.account_repository import AccountRepository
from examples.accounts.account_service import AccountService
from examples.accounts.booking import Booking
from multi_tenant_db.http.authenticated_route import AuthenticatedRoute

router = APIRouter(prefix="/accounts", tags=["accounts"], route_class=AuthenticatedRoute)


async def get_account_service(request: Request) -> AccountService:
    """Build the service on the session of the caller's transaction, which AuthenticatedRoute opens."""
    return AccountService(AccountRepository(request.state.session))


Accounts = Annotated[AccountService, Depends(get_account_service)]


@router.post("", status_code=201)
async def open_account(body: AccountCreate, service: Accounts) -> AccountRead:
    """Open an account for a tenant within your reach."""
    return AccountRead.model_validate(await service.open_account(body.tenant_id, body.name))


@router.get("")
async def list_accounts(service: Accounts) -> list[AccountRead]:
    """List the accounts within your reach."""
    return [AccountRead.model_validate(account) for account in await service.list_accounts()]


@router.post("/{account_id}/bookings")
async def book(account_id: UUID, body: Booking, service: Accounts) -> AccountRead:
    """Add an amount to the balance, which never falls below nothing."""
    return AccountRead.model_validate(await service.book(account_id, body.amount))
