"""The endpoints on accounts."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials

from examples.accounts.account_create import AccountCreate
from examples.accounts.account_read import AccountRead
from examples.accounts.account_repository import AccountRepository
from examples.accounts.account_service import AccountService
from examples.accounts.booking import Booking
from multi_tenant_db.database.tenant_session import tenant_session
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.routers.dependencies import BEFORE_THE_RESPONSE, bearer_token
from multi_tenant_db.routers.strict_json_route import StrictJsonRoute

router = APIRouter(prefix="/accounts", tags=["accounts"], route_class=StrictJsonRoute)


async def open_account_service(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_token)]
) -> AsyncIterator[AccountService]:
    """Open the caller's transaction around the endpoint, as for the tenants."""
    token = credentials.credentials if credentials else ""  # which is nobody's, as the database will say
    try:
        async with tenant_session(request.app.state.engine, token, request.state.request_id) as (session, caller):
            request.state.caller = caller  # for the log
            yield AccountService(AccountRepository(session))
    except AuthenticationRequired as error:
        error.headers["WWW-Authenticate"] = "Bearer"
        raise


SignedIn = Annotated[AccountService, Depends(open_account_service, **BEFORE_THE_RESPONSE)]


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
