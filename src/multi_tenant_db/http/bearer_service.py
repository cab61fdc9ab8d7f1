"""The security scheme of the endpoints, and how each comes by its service."""

from collections.abc import Callable

from fastapi import Request
from fastapi.security import HTTPBearer

from multi_tenant_db.database.session import Session


class BearerService[Service](HTTPBearer):
    """Declares the security scheme, and makes the service that works in the transaction of AuthenticatedRoute."""

    def __init__(self, make_service: Callable[[Session], Service]) -> None:
        super().__init__(
            scheme_name="AccessToken",
            description='An access token, as `make token TENANT="HSBC"` or `mtdb token issue` prints it.',
        )
        self._make_service = make_service

    async def __call__(self, request: Request) -> Service:  # type: ignore[override]  # more than a token
        """Return the service."""
        return self._make_service(request.state.session)
