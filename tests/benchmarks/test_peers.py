"""The peers do what the service does; otherwise comparing them would mean nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.data.database import Database
from benchmarks.judge import Judge
from benchmarks.load.http import exchange
from benchmarks.load.wrong_answer import WrongAnswerError
from benchmarks.measures.ammunition import DAY, Ammunition
from benchmarks.peers.catalogue import PEERS, POSTGRAPHILE_PEER, SERVICE, TEXTBOOK, install_postgraphile
from benchmarks.peers.peer import Peer
from benchmarks.running_process import RunningProcess
from tests.support.extent import EXHAUSTIVE

SOME_SECONDS = 0.02  # a hundred requests


@contextmanager
def started(peer: Peer, database: Database) -> Iterator[RunningProcess]:
    """Run a peer, or skip the test where it cannot run."""
    reason = install_postgraphile() if peer is POSTGRAPHILE_PEER else None
    if reason:
        pytest.skip(f"PostGraphile: {reason}")
    with peer.start(database, 1, 2) as process:
        yield process


@pytest.fixture(scope="module", params=PEERS if EXHAUSTIVE else (SERVICE, TEXTBOOK), ids=lambda peer: peer.name)
def running(
    request: pytest.FixtureRequest, bench_database: Database, ammunition: Ammunition
) -> Iterator[tuple[Peer, RunningProcess]]:
    """Run each of them in turn, on the filled database."""
    assert ammunition.readers
    with started(request.param, bench_database) as process:
        yield request.param, process


async def test_a_peer_reads_what_is_stored(
    running: tuple[Peer, RunningProcess], bench_database: Database, ammunition: Ammunition
) -> None:
    """Every field of an item and of a page, and whether a next page follows, is what the database holds."""
    (peer, process), judge, caller = running, Judge(bench_database), ammunition.readers[0]
    await judge.read_shot(peer.dialect, process.port, caller, 3)
    await judge.page_shot(peer.dialect, process.port, caller, 20)
    await judge.page_shot(peer.dialect, process.port, caller, 26)


async def test_a_peer_shows_no_stranger(running: tuple[Peer, RunningProcess], ammunition: Ammunition) -> None:
    """What one organisation reads, another asks for in vain."""
    (peer, process), (caller, stranger) = running, ammunition.readers
    own = exchange(process.port, peer.dialect.read(caller, caller.subsidiaries[0]))
    foreign = exchange(process.port, peer.dialect.read(stranger, caller.subsidiaries[0]))
    assert str(caller.tenant_id).encode() in own[1]
    assert str(caller.tenant_id).encode() not in foreign[1]


async def test_a_peer_writes_what_it_answers(running: tuple[Peer, RunningProcess], ammunition: Ammunition) -> None:
    """A hundred requests of a bank day are answered as they should be, and what was written is stored."""
    peer, process = running
    kinds = await ammunition.make(peer, process.port, DAY, SOME_SECONDS)
    before = await ammunition.total(peer)
    for _, shot in kinds:
        assert shot.complaint(*exchange(process.port, shot.request)) is None
    assert {kind for kind, _ in kinds} >= {"POST", "PUT", "DELETE"}
    await ammunition.require_changes(peer, before, kinds)


async def test_a_page_that_is_not_what_is_stored_ends_the_bench(
    bench_database: Database, ammunition: Ammunition
) -> None:
    """A peer whose table lacks a tenant, or has an older name of it, is found out before it is measured."""
    caller = ammunition.readers[1]
    with started(TEXTBOOK, bench_database) as process:
        await bench_database.admin_of("plain.tenants").execute(
            "UPDATE plain.tenants SET name = 'Another' WHERE tenant_id = $1", caller.subsidiaries[4]
        )
        with pytest.raises(WrongAnswerError, match="Another"):
            await Judge(bench_database).read_shot(TEXTBOOK.dialect, process.port, caller, 4)
        with pytest.raises(WrongAnswerError):
            await Judge(bench_database).page_shot(TEXTBOOK.dialect, process.port, caller, 20)


async def test_a_write_that_is_not_stored_ends_the_bench(bench_database: Database, ammunition: Ammunition) -> None:
    """Answers to writes of which the database knows nothing are found out."""
    with started(SERVICE, bench_database) as process:
        before = await ammunition.total(SERVICE)
        kinds = await ammunition.make(SERVICE, process.port, "PUT", SOME_SECONDS)
    with pytest.raises(WrongAnswerError, match="stored"):
        await ammunition.require_changes(SERVICE, before, kinds)
