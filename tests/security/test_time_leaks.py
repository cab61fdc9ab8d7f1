"""Leaks through time: many callers over three connections, while clients leave, tokens die and backends are killed.

Two storms. One goes to a real `mtdb serve` over TCP, because only there do clients disconnect as clients do. The other
goes to the application in this process, because only there can a request be cancelled at any await, in the middle of a
statement or a commit, and the pool be counted from inside. A third, in test_time_leaks_pgbouncer.py, goes through
PgBouncer.
"""

import random
from collections.abc import Callable

import pytest
from sqlalchemy import URL

from multi_tenant_db.main import create_app
from tests.support.application_channel import ApplicationChannel
from tests.support.attack import sees_nothing
from tests.support.channel import Channel
from tests.support.served_process import served
from tests.support.storm import POOL_TIMEOUT, Storm
from tests.support.storm_judgement import all_see_what_is_theirs, judge
from tests.support.storm_world import storm_world
from tests.support.wire_answer import WireAnswer
from tests.support.wire_channel import WireChannel

GROUP = "through time"

POOL_SIZE = 3  # and one connection for /health
CALLERS_AT_ONCE = 24
REQUESTS = {"part": 1_000, "short": 3_000, "long": 100_000}


class LeakyChannel(ApplicationChannel):
    """One time in twenty gives its caller the previous caller's answer, as a cache without a key would."""

    before: WireAnswer | None = None

    async def ask(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None) -> WireAnswer:
        """Send a request, and mix up some answers."""
        answer = await super().ask(method, target, headers, body)
        mixed_up = self.before if self.before and random.random() < 0.05 else answer
        self.before = answer
        return mixed_up


@pytest.mark.exhaustive
@sees_nothing(GROUP)
async def test_a_real_service_in_a_storm(
    server_url: URL,
    attack_profile: str,
    announce: Callable[[str], None],
    record_property: Callable[[str, str], None],
) -> None:
    """The attackers hope that a connection reaches them with another caller's context, after any accident."""
    async with storm_world(server_url) as world:
        with served(world.database, pool_size=POOL_SIZE, pool_timeout_seconds=POOL_TIMEOUT) as service:
            storm = Storm(world.cast, world.registry, world.as_admin, announce)
            channels: list[Channel] = [WireChannel(service.port) for _ in range(CALLERS_AT_ONCE)]
            tally = await storm.rage(channels, REQUESTS[attack_profile])
            record_property("storm at a real service", str(tally))

            judge(tally)
            await world.connections_settle(POOL_SIZE + 1)
            await all_see_what_is_theirs(world, channels, POOL_SIZE)
            await world.connections_settle(POOL_SIZE + 1)
            await world.nothing_strayed(tally)
            assert '"unhandled_exception"' not in service.log_text()


@pytest.mark.exhaustive
@sees_nothing(GROUP)
async def test_requests_cancelled_at_any_moment(
    server_url: URL,
    attack_profile: str,
    announce: Callable[[str], None],
    record_property: Callable[[str, str], None],
) -> None:
    """The attackers hope that a request that is cancelled leaves its context, or its connection, behind."""
    async with storm_world(server_url) as world:
        app = create_app(world.database.settings(pool_size=POOL_SIZE, pool_timeout_seconds=POOL_TIMEOUT))
        async with app.router.lifespan_context(app):
            storm = Storm(world.cast, world.registry, world.as_admin, announce)
            channels: list[Channel] = [ApplicationChannel(app) for _ in range(CALLERS_AT_ONCE)]
            tally = await storm.rage(channels, REQUESTS[attack_profile])
            record_property("storm inside the application", str(tally))

            judge(tally)
            await world.connections_settle(POOL_SIZE + 1)
            assert app.state.servers.default.engine.pool.in_use() == 0
            await all_see_what_is_theirs(world, channels, POOL_SIZE)
            assert app.state.servers.default.engine.pool.in_use() == 0
            await world.nothing_strayed(tally)


@pytest.mark.exhaustive
async def test_a_leak_does_not_escape_the_storm(
    server_url: URL, announce: Callable[[str], None], record_property: Callable[[str, str], None]
) -> None:
    """The storm finds a service that mixes up one answer in twenty."""
    async with storm_world(server_url) as world:
        app = create_app(world.database.settings(pool_size=POOL_SIZE))
        async with app.router.lifespan_context(app):
            storm = Storm(world.cast, world.registry, world.as_admin, announce)
            tally = await storm.rage([LeakyChannel(app) for _ in range(CALLERS_AT_ONCE)], 1_500)
            record_property("storm at a service that mixes up one answer in twenty", str(tally))

    reasons = "\n".join(tally.wrongs)
    assert "shows a row of another caller" in reasons
    assert "tells about" in reasons
