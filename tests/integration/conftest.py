"""Every answer that these tests receive is held against the OpenAPI document."""

import httpx
import pytest
from fastapi import FastAPI

from tests.support.contract import Contract


@pytest.fixture(scope="session")
def contract(app: FastAPI) -> Contract:
    """Give the document's promises in a form that can be checked."""
    return Contract(app.openapi())


@pytest.fixture
def client(client: httpx.AsyncClient, contract: Contract) -> httpx.AsyncClient:
    """Call the service without a token; `headers=party.headers` authenticates a call."""
    client.event_hooks = {"response": [contract.check]}
    return client
