"""`POST /token`: exchange a login for an access token (RFC 8693), in a process separate from the service.

It logs in as tenancy_operator, whose password the service does not have.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import jwt
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from examples.identity.login_verifier import LoginVerifier
from multi_tenant_db.database.engine import create_engine, operator_url
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.errors import TenantNotFound
from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.settings import Settings

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
LONGEST_LIFETIME = timedelta(minutes=15)


def create_token_exchange(settings: Settings, logins: LoginVerifier) -> FastAPI:
    """Create the application of the exchange."""
    engine = create_engine(operator_url(settings), settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(title="Token exchange", lifespan=lifespan, openapi_url=None)

    @app.post("/token")
    async def exchange(request: Request) -> JSONResponse:
        """Issue a token that expires with the login, after at most 15 minutes."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if form.get("grant_type") != TOKEN_EXCHANGE:
            return _refuse("unsupported_grant_type", f"grant_type is {TOKEN_EXCHANGE}")
        if form.get("subject_token_type") != ID_TOKEN:
            return _refuse("invalid_request", f"subject_token_type is {ID_TOKEN}")
        try:
            claims = logins.verify(form.get("subject_token", ""))
            organization_id, tenant_id = UUID(claims["organization_id"]), UUID(claims["tenant_id"])
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
            return _refuse("invalid_request", "the subject token is no valid login of a tenant")
        lifetime = min(datetime.fromtimestamp(claims["exp"], UTC) - datetime.now(UTC), LONGEST_LIFETIME)
        if lifetime <= timedelta(0):
            return _refuse("invalid_request", "the login has expired")
        token = new_access_token()
        try:
            async with transaction(engine) as session:
                await AccessTokenRepository(session).issue_for_tenant(
                    hash_access_token(token),
                    organization_id=organization_id,
                    tenant_id=tenant_id,
                    label=f"login {claims['sub']}"[:200],
                    lifetime=lifetime,
                )
        except TenantNotFound:  # unknown, or of another organisation
            return _refuse("invalid_request", "the subject token is no valid login of a tenant")
        response = {
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": int(lifetime.total_seconds()),
        }
        return JSONResponse(response, headers={"Cache-Control": "no-store"})

    return app


def _refuse(error: str, description: str) -> JSONResponse:
    """Return an error response as in RFC 6749, section 5.2."""
    content: dict[str, Any] = {"error": error, "error_description": description}
    return JSONResponse(content, status_code=400, headers={"Cache-Control": "no-store"})
