"""Many organisations at once on two servers, each answered from its own."""

import os
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.support.extent import EXHAUSTIVE
from tests.support.many_callers import STATUSES, ask_as, leftovers_of_others, strays, told
from tests.support.registry import Registry
from tests.support.served_process import served
from tests.support.test_database import TestDatabase

LONG = os.environ.get("MTDB_LONG") == "1"
CALLERS = 100 if EXHAUSTIVE or LONG else 40
REQUESTS_OF_EACH = 1_000 if LONG else 12


@pytest.mark.exhaustive
async def test_each_answer_is_of_the_callers_server(  # noqa: PLR0913, PLR0917 - fixtures
    database: TestDatabase,
    second_database: TestDatabase,
    second_url: str,
    registry: Registry,
    second_registry: Registry,
    as_admin: asyncpg.Connection,
    tmp_path: Path,
    record_property: Callable[[str, str], None],
) -> None:
    """Every answer is the exact state of the caller's organisation; half of the others live on the other server."""
    here = [await registry.create_organization(f"Bank {number}") for number in range(0, CALLERS, 2)]
    there = [await second_registry.create_organization(f"Bank {number}") for number in range(1, CALLERS, 2)]
    with served(database, folder=tmp_path, servers__b=second_url) as service:
        statuses = await ask_as(service.url, [*here, *there], REQUESTS_OF_EACH)
    record_property(f"{CALLERS} organisations at once on two servers", told(statuses))
    assert statuses.total() >= CALLERS * REQUESTS_OF_EACH
    assert set(statuses) == STATUSES
    as_second_admin = await second_database.connect_as_admin()
    try:
        assert await leftovers_of_others(as_admin, here) == await leftovers_of_others(as_second_admin, there) == 0
        assert await strays(as_admin, there) == await strays(as_second_admin, here) == 0
    finally:
        await as_second_admin.close()
    assert [line for line in service.log_text().splitlines() if '"event": "server-' not in line] == []
