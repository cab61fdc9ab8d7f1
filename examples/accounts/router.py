"""The endpoints on accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from examples.accounts.account_create import AccountCreate
from examples.accounts.account_read import AccountRead
from examples.accounts.account_repository import AccountRepository
from examples.accounts.account_service import AccountService
from examples.accounts.booking import Booking
from multi_tenant_db.database.session import Session
from multi_tenant_db.http.bearer_service import AccessToken
from multi_tenant_db.http.strict_json_route import StrictJsonRoute

router = APIRouter(prefix="/accounts", tags=["accounts"], route_class=StrictJsonRoute)


def make_account_service(session: Session) -> AccountService:
    """Put the service together for one request, in the caller's transaction."""
    return AccountService(AccountRepository(session))


SignedIn = Annotated[AccountService, Depends(AccessToken(make_account_service))]


@router.post("", status_code=201)
async def open_account(body: AccountCreate, service: SignedIn) -> AccountRead:
    """Open an account for a tenant within your reach."""
    return AccountRead.model_validate(await service.open_account(body.tenant_id, body.name))


@router.get("")
async def list_accounts(service: SignedIn) -> list[AccountRead]:
    """List the accounts within your reach."""
    return [AccountRead.model_validate(account) for account in await service.list_accounts()]


@router.post("/{account_id}/bookings")
async def book(account_id: UUID, body: Booking, service: SignedIn) -> AccountRead:
    """Add an amount to the balance, which never falls below nothing."""
    return AccountRead.model_validate(await service.book(account_id, body.amount))
