"""A hundred organisations at once read no row of another organisation."""

import os
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.support.extent import EXHAUSTIVE
from tests.support.many_callers import STATUSES, ask_as, leftovers_of_others, told
from tests.support.registry import Registry
from tests.support.served_process import served
from tests.support.test_database import TestDatabase

LONG = os.environ.get("MTDB_LONG") == "1"
CALLERS = 100 if EXHAUSTIVE else 40
REQUESTS_OF_EACH = 100 if LONG else 12


@pytest.mark.exhaustive
async def test_each_answer_holds_only_the_callers_rows(
    database: TestDatabase,
    registry: Registry,
    as_admin: asyncpg.Connection,
    tmp_path: Path,
    record_property: Callable[[str, str], None],
) -> None:
    """Every answer to each of a hundred concurrent clients is its own organisation's exact state; none is a 5xx."""
    organizations = [await registry.create_organization(f"Bank {number}") for number in range(CALLERS)]
    with served(database, folder=tmp_path) as service:
        statuses = await ask_as(service.url, organizations, REQUESTS_OF_EACH)
    record_property(f"{CALLERS} organisations at once", told(statuses))
    assert statuses.total() >= CALLERS * REQUESTS_OF_EACH
    assert set(statuses) == STATUSES
    assert await leftovers_of_others(as_admin, organizations) == 0
    # At its start the service says that a newer release of the server is safer; there is nothing else to warn of.
    assert [line for line in service.log_text().splitlines() if '"event": "server-' not in line] == []
