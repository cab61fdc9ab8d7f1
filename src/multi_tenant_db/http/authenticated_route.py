"""Route that authenticates and opens the transaction."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.security.utils import get_authorization_scheme_param

from multi_tenant_db.database.servers import Servers
from multi_tenant_db.database.tenant_session import deferred_tenant_session
from multi_tenant_db.errors import AuthenticationRequired, InvalidRequest, TooManyRequests
from multi_tenant_db.http.rate_limiter import RateLimiter
from multi_tenant_db.http.whole_request_route import WholeRequestRoute

BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The syntax of a token (RFC 6750, section 2.1). It excludes NUL, which PostgreSQL's text cannot store."""

CHALLENGE = 'Bearer error="invalid_token"'

SECURITY_SCHEME = "AccessToken"
"""Name in the OpenAPI document."""


class AuthenticatedRoute(WholeRequestRoute):
    """Runs its endpoint in the caller's transaction, which commits before the response is sent.

    `request.state.session` is the session of that transaction. The transaction begins with the first statement, so a
    request that fails validation uses no connection.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        declared = {**(options.pop("openapi_extra", None) or {}), "security": [{SECURITY_SCHEME: []}]}
        super().__init__(path, endpoint, openapi_extra=declared, **options)

    def get_endpoint_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler. In some versions of FastAPI a dependency with `yield` would commit too late."""
        handle = super().get_endpoint_handler()

        async def handle_within_limit(request: Request) -> Response:
            limiter: RateLimiter | None = request.app.state.rate_limiter
            token = _bearer_token(request)
            if limiter is None:
                return await handle_authenticated(request, token)
            try:
                if not limiter.admit(token):
                    raise TooManyRequests
                return await handle_authenticated(request, token)
            finally:
                caller = request.state.session.caller if hasattr(request.state, "session") else None
                if caller is not None:
                    limiter.learn(token, caller)
                request.state.rate_limit_fields = limiter.fields(token)

        async def handle_authenticated(request: Request, token: str) -> Response:
            _refuse_repeated_parameters(request)
            try:
                servers: Servers = request.app.state.servers
                destination = servers.only or servers.destination(token)
                async with deferred_tenant_session(
                    destination, token, request.state.request_id
                ) as request.state.session:
                    return await handle(request)
            except AuthenticationRequired as error:
                error.headers["WWW-Authenticate"] = CHALLENGE
                raise

        return handle_within_limit


def _refuse_repeated_parameters(request: Request) -> None:
    """Refuse repeated parameters: some parsers use the first value, others the last."""
    if not request.scope["query_string"]:
        return
    names = [name for name, _ in request.query_params.multi_items()]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        detail = "This parameter is repeated"
        raise InvalidRequest(errors=[{"pointer": f"/query/{name}", "detail": detail} for name in repeated])


def _bearer_token(request: Request) -> str:
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        raise AuthenticationRequired(headers={"WWW-Authenticate": "Bearer"})
    if not BEARER_TOKEN.fullmatch(token):
        raise AuthenticationRequired(headers={"WWW-Authenticate": CHALLENGE})
    return token
