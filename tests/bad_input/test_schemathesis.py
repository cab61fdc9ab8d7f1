"""Generated requests, honest and hostile, over the whole OpenAPI document: the service does what it promises."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.generated_run import GeneratedRun
from tests.support.registry import Registry
from tests.support.served_process import ServedProcess, served

LONG = os.environ.get("MTDB_LONG") == "1"
EXAMPLES = 1_700 if LONG else 3
"""For each operation and phase. The short profile draws the same requests in every run, the long one always others."""

ENDPOINTS = {
    "GET /health",
    "GET /tenants",
    "POST /tenants",
    "GET /tenants/{tenant_id}",
    "PUT /tenants/{tenant_id}",
    "DELETE /tenants/{tenant_id}",
}


@pytest.fixture(scope="module")
async def callers(server_url: URL) -> AsyncIterator[tuple[ServedProcess, dict[str, str]]]:
    """Serve a database of its own, with a token of each kind of caller."""
    async with fresh_database(server_url) as database:
        operator = await database.connect_as_operator()
        registry = Registry(operator)
        organization = await registry.create_organization()
        tokens = {
            "platform operator": await registry.issue_operator_token(),
            "parent": organization.parent.token,
            "subsidiary": organization.subsidiaries[0].token,
        }
        await operator.close()
        with served(database) as service:
            yield service, tokens


@pytest.mark.exhaustive
@pytest.mark.parametrize("caller", ["platform operator", "parent", "subsidiary"] if LONG else ["platform operator"])
async def test_the_service_does_what_its_document_says(
    callers: tuple[ServedProcess, dict[str, str]], caller: str, record_property: Callable[[str, str], None]
) -> None:
    """No 5xx, no undocumented status, no answer against its schema, no good request refused and no bad one taken."""
    service, tokens = callers
    seed = None if LONG else 2025

    run = await asyncio.to_thread(GeneratedRun.against, service.port, tokens[caller], examples=EXAMPLES, seed=seed)

    record_property(f"generated requests of a {caller}", str(run))
    sys.stdout.write(f"{caller}: {run}\n")
    assert run.failures == [], "\n\n".join(run.failures)
    assert set(run.operations) == ENDPOINTS
    assert run.requests >= (20_000 / 3 if LONG else 150)
    assert "unhandled_exception" not in service.log_text()
