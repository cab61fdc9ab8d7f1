"""The peers do what the service does; otherwise comparing them would mean nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from benchmarks.data.database import PLAIN_PASSWORD, Database
from benchmarks.judge import Judge
from benchmarks.load.http import exchange
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.measures.workload import DAY, Workload
from benchmarks.peers import node
from benchmarks.peers.catalogue import PEERS, POSTGRAPHILE_5_PEER, SERVICE, TEXTBOOK, install
from benchmarks.peers.peer import Peer
from benchmarks.running_process import RunningProcess
from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from tests.support.extent import EXHAUSTIVE

pytestmark = pytest.mark.exhaustive

SOME_SECONDS = 0.02  # a hundred requests
SIGN_IN = "SELECT authz.act_as('user', $1)"
SET = "SELECT set_config('authz.user_id', $1, true)"


@contextmanager
def started(peer: Peer, database: Database) -> Iterator[RunningProcess]:
    """Run a peer, or skip the test where it cannot run."""
    if reason := install(peer):
        pytest.skip(f"{peer.name}: {reason}")
    with peer.start(database, 1, 2) as process:
        yield process


@pytest.fixture(scope="module", params=PEERS if EXHAUSTIVE else (SERVICE, TEXTBOOK), ids=lambda peer: peer.name)
def running(
    request: pytest.FixtureRequest, bench_database: Database, workload: Workload
) -> Iterator[tuple[Peer, RunningProcess]]:
    """Run each of them in turn, on the filled database."""
    assert workload.readers
    with started(request.param, bench_database) as process:
        yield request.param, process


def test_a_peer_without_its_node_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Node.js is new enough and none can be installed, the reason is returned instead of an error."""

    def fail(least: int) -> str:
        raise EmbeddedPostgresError(f"Node.js {least} could not be installed")

    monkeypatch.setattr(node, "node", fail)
    assert install(POSTGRAPHILE_5_PEER) == "Node.js 22 could not be installed"


async def test_a_peer_reads_what_is_stored(
    running: tuple[Peer, RunningProcess], bench_database: Database, workload: Workload
) -> None:
    """Every field of an item and of a page, and whether a next page follows, is what the database holds."""
    (peer, process), judge, caller = running, Judge(bench_database), workload.readers[0]
    await judge.read_request(peer.dialect, process.port, caller, 3)
    await judge.page_request(peer.dialect, process.port, caller, 20)
    await judge.page_request(peer.dialect, process.port, caller, 26)


async def test_a_peer_shows_no_stranger(running: tuple[Peer, RunningProcess], workload: Workload) -> None:
    """What one organisation reads, another asks for in vain."""
    (peer, process), (caller, stranger) = running, workload.readers
    own = exchange(process.port, peer.dialect.read(caller, caller.subsidiaries[0]))
    foreign = exchange(process.port, peer.dialect.read(stranger, caller.subsidiaries[0]))
    assert str(caller.tenant_id).encode() in own[1]
    assert str(caller.tenant_id).encode() not in foreign[1]


async def test_a_peer_writes_what_it_answers(running: tuple[Peer, RunningProcess], workload: Workload) -> None:
    """A hundred requests of a bank day are answered as they should be, and what was written is stored."""
    peer, process = running
    kinds = await workload.make(peer, process.port, DAY, SOME_SECONDS)
    before = await workload.total(peer)
    for _, checked in kinds:
        assert checked.mismatch(*exchange(process.port, checked.request)) is None
    assert {kind for kind, _ in kinds} >= {"POST", "PUT", "DELETE"}
    await workload.require_changes(peer, before, kinds)


async def test_a_page_that_is_not_what_is_stored_ends_the_bench(bench_database: Database, workload: Workload) -> None:
    """A peer whose table lacks a tenant, or has an older name of it, is found out before it is measured."""
    caller = workload.readers[1]
    with started(TEXTBOOK, bench_database) as process:
        await bench_database.admin_of("plain.tenants").execute(
            "UPDATE plain.tenants SET name = 'Another' WHERE tenant_id = $1", caller.subsidiaries[4]
        )
        with pytest.raises(WrongResponseError, match="Another"):
            await Judge(bench_database).read_request(TEXTBOOK.dialect, process.port, caller, 4)
        with pytest.raises(WrongResponseError):
            await Judge(bench_database).page_request(TEXTBOOK.dialect, process.port, caller, 20)


async def test_a_write_that_is_not_stored_ends_the_bench(bench_database: Database, workload: Workload) -> None:
    """Answers to writes of which the database knows nothing are found out."""
    with started(SERVICE, bench_database) as process:
        before = await workload.total(SERVICE)
        kinds = await workload.make(SERVICE, process.port, "PUT", SOME_SECONDS)
    with pytest.raises(WrongResponseError, match="stored"):
        await workload.require_changes(SERVICE, before, kinds)


async def test_rowstile_signs_its_context(bench_database: Database, workload: Workload) -> None:
    """As the report says of this peer: a caller set by hand is an error, and one transaction may sign in as anyone."""
    one, other = (str(caller.tenant_id) for caller in workload.readers)
    connection = await asyncpg.connect(bench_database.url("plain_rowstile", PLAIN_PASSWORD))

    async def see(*callers: tuple[str, str]) -> list[str]:
        async with connection.transaction():
            for setter, caller in callers:
                await connection.execute(setter, caller)
            rows = await connection.fetch("SELECT tenant_id FROM governed.tenants WHERE parent_tenant_id IS NULL")
            return [str(row[0]) for row in rows]

    try:
        assert await see((SIGN_IN, one)) == [one]
        assert await see((SIGN_IN, one), (SIGN_IN, other)) == [other]
        for forged in ([(SET, other)], [(SIGN_IN, one), (SET, other)]):
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await see(*forged)
    finally:
        await connection.close()
