"""The endpoints on accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request

from examples.accounts.account_create import AccountCreate
from examples.accounts.account_read import AccountRead
from examples.accounts.account_repository import AccountRepository
from examples.accounts.account_service import AccountService
from examples.accounts.booking import Booking
from multi_tenant_db.http.authenticated_route import AuthenticatedRoute
from multi_tenant_db.http.openapi_document import name_operation
from multi_tenant_db.http.problem_responses import PROBLEMS_OF_AUTHENTICATED_ROUTES, declare_problems

router = APIRouter(
    prefix="/accounts",
    tags=["accounts"],
    route_class=AuthenticatedRoute,
    generate_unique_id_function=name_operation,
    responses=declare_problems(*PROBLEMS_OF_AUTHENTICATED_ROUTES),
)

AccountPath = Annotated[
    UUID, Path(description="The account's identifier.", examples=["019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44"])
]


async def get_account_service(request: Request) -> AccountService:
    """Create the service on the session of the caller's transaction, which AuthenticatedRoute opens."""
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
async def book(account_id: AccountPath, body: Booking, service: Accounts) -> AccountRead:
    """Add an amount to the balance, which cannot become negative."""
    return AccountRead.model_validate(await service.book(account_id, body.amount))
