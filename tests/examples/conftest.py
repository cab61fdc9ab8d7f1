"""One bank story for the examples; each keeps to tenants that no other one touches."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from tests.support.bank_story import BankStory, bank_story


@pytest.fixture(scope="module")
async def story(server_url: URL) -> AsyncIterator[BankStory]:
    """Give a seeded, running service."""
    async with bank_story(server_url) as story:
        yield story
