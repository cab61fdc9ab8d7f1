"""The storm through PgBouncer in transaction mode, where a session may serve another client after every transaction."""

from collections.abc import Callable

import pytest
from sqlalchemy import URL

from tests.support.attack import sees_nothing
from tests.support.channel import Channel
from tests.support.pgbouncer import KEEPS_PREPARED_STATEMENTS, pgbouncer, pgbouncer_version
from tests.support.programs import needs
from tests.support.served_process import served
from tests.support.storm import POOL_TIMEOUT, Storm
from tests.support.storm_judgement import all_see_what_is_theirs, judge
from tests.support.storm_world import storm_world
from tests.support.wire_channel import WireChannel

pytestmark = pytest.mark.exhaustive

GROUP = "through time"

POOL_SIZE = 12
SERVER_CONNECTIONS = 3
CALLERS_AT_ONCE = 24
REQUESTS = {"part": 1_000, "short": 3_000, "long": 100_000}
VERSION = pgbouncer_version()
PREPARED_STATEMENTS = [False, True] if VERSION >= KEEPS_PREPARED_STATEMENTS else [False]
"""The settings with which this PgBouncer works; older ones lose statements (docs/how-to/troubleshooting.md)."""


@sees_nothing(GROUP)
@needs("pgbouncer")
@pytest.mark.parametrize("prepared_statements", PREPARED_STATEMENTS)
async def test_a_storm_through_pgbouncer(
    server_url: URL,
    attack_profile: str,
    announce: Callable[[str], None],
    record_property: Callable[[str, str], None],
    prepared_statements: bool,
) -> None:
    """The attackers hope for a server connection with a context that the pooler handed on to them."""
    async with storm_world(server_url) as world:
        with pgbouncer(world.database, pool_size=SERVER_CONNECTIONS) as port:
            address = f"postgresql://127.0.0.1:{port}/{world.database.admin_url.database}"
            with served(
                world.database,
                database_url=address,
                pool_size=POOL_SIZE,
                pool_timeout_seconds=POOL_TIMEOUT,
                prepared_statements=prepared_statements,
            ) as service:
                storm = Storm(world.cast, world.registry, world.as_admin, announce)
                channels: list[Channel] = [WireChannel(service.port) for _ in range(CALLERS_AT_ONCE)]
                tally = await storm.rage(channels, REQUESTS[attack_profile])
                statements = "with" if prepared_statements else "without"
                through = f"PgBouncer {VERSION[0]}.{VERSION[1]}, {statements} prepared statements"
                record_property(f"storm through {through}", str(tally))

                judge(tally)
                await world.connections_settle(SERVER_CONNECTIONS)
                await all_see_what_is_theirs(world, channels, POOL_SIZE)
                await world.connections_settle(SERVER_CONNECTIONS)
                await world.nothing_strayed(tally)
                assert '"defect"' not in service.log_text()
