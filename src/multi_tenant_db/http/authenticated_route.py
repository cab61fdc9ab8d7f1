"""From the bearer token into the caller's transaction."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from fastapi.security.utils import get_authorization_scheme_param

from multi_tenant_db.database.tenant_session import deferred_tenant_session
from multi_tenant_db.errors import AuthenticationRequired, InvalidRequest

BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What a token may look like (RFC 6750, section 2.1); PostgreSQL has no text that could hold a NUL."""

CHALLENGE = 'Bearer error="invalid_token"'


class AuthenticatedRoute(APIRoute):
    """Runs FastAPI's handler in the caller's transaction, which commits once the response is made, before it is sent.

    The transaction begins with the first statement: a request that fails FastAPI's validation costs no connection.
    As a dependency with `yield` it would do so only in some versions of FastAPI, and cost more.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()

        async def handle_signed_in(request: Request) -> Response:
            token = _bearer_token(request)
            _refuse_repeated_parameters(request)
            try:
                async with deferred_tenant_session(
                    request.app.state.engine, token, request.state.request_id
                ) as request.state.session:
                    return await handle(request)
            except AuthenticationRequired as error:
                error.headers["WWW-Authenticate"] = CHALLENGE
                raise

        return handle_signed_in


def _refuse_repeated_parameters(request: Request) -> None:
    """Refuse a query of two minds: one reader takes the first of two values, another the last."""
    names = [name for name, _ in request.query_params.multi_items()]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        detail = "This parameter stands there more than once"
        raise InvalidRequest(errors=[{"pointer": f"/query/{name}", "detail": detail} for name in repeated])


def _bearer_token(request: Request) -> str:
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        raise AuthenticationRequired(headers={"WWW-Authenticate": "Bearer"})
    if not BEARER_TOKEN.fullmatch(token):
        raise AuthenticationRequired(headers={"WWW-Authenticate": CHALLENGE})
    return token
