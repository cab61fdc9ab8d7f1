"""The token exchange: a login at the bank's provider is exchanged for a token of that tenant."""

import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI

from examples.identity.login_verifier import LoginVerifier
from examples.identity.token_exchange import ACCESS_TOKEN, ID_TOKEN, TOKEN_EXCHANGE, create_token_exchange
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase

ISSUER, AUDIENCE = "https://login.bank.example", "multi-tenant-db"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWKS = {"keys": [jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "1", "alg": "RS256"}]}
SHARED_KEY = b"x" * 32


@pytest.fixture
async def exchange(database: TestDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """Start the exchange beside the service."""
    app: FastAPI = create_token_exchange(database.settings(), LoginVerifier(JWKS, issuer=ISSUER, audience=AUDIENCE))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        yield client


def claims_of(organization: Organization, **changes: Any) -> dict[str, Any]:
    """Return the provider's claims about an employee of the first subsidiary."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "iat": now,
        "exp": now + 3600,
        "organization_id": str(organization.parent.tenant_id),
        "tenant_id": str(organization.subsidiaries[0].tenant_id),
    } | changes


def sign(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", kid: str = "1") -> str:
    """Return an ID token."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


async def ask(exchange: httpx.AsyncClient, id_token: str, **changes: str) -> httpx.Response:
    """Send the form of RFC 8693."""
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN}
    return await exchange.post("/token", data=form | changes)


async def test_a_login_becomes_a_token_of_its_tenant(
    exchange: httpx.AsyncClient, client: httpx.AsyncClient, hsbc: Organization, as_admin: asyncpg.Connection
) -> None:
    """The token sees the tenant of the login alone, lives 15 minutes, and the audit trail names who logged in."""
    response = await ask(exchange, sign(claims_of(hsbc)))
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    answer = response.json()
    assert (answer["token_type"], answer["issued_token_type"]) == ("Bearer", ACCESS_TOKEN)
    assert 890 <= answer["expires_in"] <= 900
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    (tenant,) = (await client.get("/tenants", headers=headers)).json()["items"]
    assert tenant["tenant_id"] == str(hsbc.subsidiaries[0].tenant_id)
    body = {"name": f"{tenant['name']} renamed", "metadata": {}}
    await client.put(f"/tenants/{tenant['tenant_id']}", json=body, headers=headers)
    label = "SELECT token_label FROM tenancy.tenant_events WHERE tenant_id = $1 AND event_type = 'updated'"
    assert await as_admin.fetchval(label, hsbc.subsidiaries[0].tenant_id) == "login alice"


async def test_a_token_does_not_outlive_its_login(exchange: httpx.AsyncClient, hsbc: Organization) -> None:
    """A login that ends in a minute gives a token for a minute."""
    response = await ask(exchange, sign(claims_of(hsbc, exp=int(time.time()) + 60)))
    assert 50 <= response.json()["expires_in"] <= 60


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"iss": "https://login.stranger.example"},
        {"aud": "another-service"},
        {"tenant_id": "hsbc"},
        {"tenant_id": None},
        {"organization_id": "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a"},
    ],
    ids=["expired", "issuer", "audience", "no-id", "null", "another-organisation"],
)
async def test_a_login_without_a_valid_claim_is_refused(
    exchange: httpx.AsyncClient, hsbc: Organization, changes: dict[str, Any]
) -> None:
    """Every claim is verified; the answer is OAuth's, and does not tell which tenants exist."""
    response = await ask(exchange, sign(claims_of(hsbc, **changes)))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert response.json()["error_description"] == "the subject token is no valid login of a tenant"


async def test_a_tenant_of_another_organisation_is_refused(
    exchange: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """The pair of organisation and tenant must exist; a provider's mistake does not cross organisations."""
    changes = {"tenant_id": str(barclays.subsidiaries[0].tenant_id)}
    assert (await ask(exchange, sign(claims_of(hsbc, **changes)))).status_code == 400


async def test_a_forged_login_is_refused(exchange: httpx.AsyncClient, hsbc: Organization) -> None:
    """A token of another key or algorithm, without signature, or malformed is refused."""
    claims = claims_of(hsbc)
    forged = [
        sign(claims, STRANGERS_KEY),
        sign(claims, kid="2"),
        sign(claims, SHARED_KEY, "HS256"),
        jwt.encode(claims, "", algorithm="none", headers={"kid": "1"}),
        sign(claims)[:-8],
        "",
        "no token",
    ]
    for id_token in forged:
        assert (await ask(exchange, id_token)).status_code == 400, id_token


async def test_only_this_exchange_is_offered(exchange: httpx.AsyncClient, hsbc: Organization) -> None:
    """Other grants and other kinds of tokens are refused by their names."""
    login = sign(claims_of(hsbc))
    assert (await ask(exchange, login, grant_type="password")).json()["error"] == "unsupported_grant_type"
    assert (await ask(exchange, login, subject_token_type=ACCESS_TOKEN)).json()["error"] == "invalid_request"
