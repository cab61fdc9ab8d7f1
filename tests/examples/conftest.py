"""One service with the sample data for the examples; each uses tenants of its own."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from tests.support.seeded_service import SeededService, seeded_service


@pytest.fixture(scope="module")
async def story(server_url: URL) -> AsyncIterator[SeededService]:
    """Give a seeded, running service."""
    async with seeded_service(server_url) as story:
        yield story
