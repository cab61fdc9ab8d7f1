"""The catalogue of nasty requests, sent as raw bytes to the real process: each gets exactly the answer it deserves."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from tests.bad_input.catalogue import CATALOGUE
from tests.bad_input.catalogue_of_framings import HIDDEN
from tests.bad_input.exchange import exchange
from tests.bad_input.nasty_request import NastyRequest
from tests.bad_input.requests import AFTERWARDS
from tests.support.context import stored_tenants
from tests.support.fresh_database import fresh_database
from tests.support.nasty_target import NastyTarget
from tests.support.registry import Registry
from tests.support.served_process import served


@pytest.fixture(scope="module")
async def target(server_url: URL) -> AsyncIterator[NastyTarget]:
    """Serve a database of its own, with a parent who sends everything and a stranger whom he attacks."""
    async with fresh_database(server_url) as database:
        operator = await database.connect_as_operator()
        registry = Registry(operator)
        caller = await registry.create_organization("Caller", 1)
        stranger = await registry.create_organization("Stranger", 1)
        await operator.close()
        as_admin = await database.connect_as_admin()
        with served(database) as service:
            yield NastyTarget(service, as_admin, caller, stranger)
        await as_admin.close()


def test_the_catalogue_is_long_and_has_no_doubles() -> None:
    """There are at least 80 different requests, each under a name that finds it again."""
    assert len({entry.data for entry in CATALOGUE}) == len(CATALOGUE) >= 80
    names = Counter(entry.name for entry in CATALOGUE)
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
async def test_a_nasty_request_gets_its_answer(target: NastyTarget, entry: NastyRequest) -> None:
    """The answers are exactly those of the catalogue, no tenant changes, and the service goes on answering."""
    before = await stored_tenants(target.as_admin)

    answers = await asyncio.to_thread(exchange, target.service.port, target.fill_in(entry.data))

    assert tuple(answers) == entry.answers
    assert await stored_tenants(target.as_admin) == before
    assert await asyncio.to_thread(exchange, target.service.port, AFTERWARDS) == ["200"]


async def test_nothing_nasty_is_a_defect(target: NastyTarget) -> None:
    """After the whole catalogue the service's log holds no defect, no traceback, and no token."""
    log = target.service.log_text()
    assert "unhandled_exception" not in log
    assert "Traceback" not in log
    assert target.caller.parent.token not in log


async def test_a_hidden_request_would_have_been_seen(target: NastyTarget) -> None:
    """What the smuggling shapes hide does delete the subsidiary when it is sent openly: the catalogue can fail."""
    before = await stored_tenants(target.as_admin)

    assert await asyncio.to_thread(exchange, target.service.port, target.fill_in(HIDDEN)) == ["204"]

    assert len(await stored_tenants(target.as_admin)) == len(before) - 1
