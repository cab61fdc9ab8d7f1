"""The arena that the tests of the model share."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.security.model.arena import Arena, open_arena


@pytest.fixture(scope="session")
def arena(server_url: URL) -> Iterator[Arena]:
    """Give a database, connections and a service of the model's own."""
    with open_arena(server_url) as arena:
        yield arena
