"""Comparison of the service with its peers: every operation, one and two workers, few and many clients."""

from contextlib import ExitStack

from benchmarks.data.database import Database
from benchmarks.measures.bench import Bench
from benchmarks.measures.sample import Sample
from benchmarks.measures.workload import DAY, OPERATIONS, Workload
from benchmarks.peers.catalogue import PEERS, install
from benchmarks.peers.peer import Peer
from benchmarks.steps import Begin

MEASURE = "comparison"
POOL_SIZE = 10
READERS, READERS_SIZE = 20, 120
WRITERS, WRITERS_SIZE = 20, 50
USUAL_SIZE = 9
USUAL_CLIENTS = 32
WORKERS = (1, 2)

Cell = tuple[str, int, int]


async def fill(database: Database, tenants: int) -> Workload:
    """Add organisations for reads, for writes, and many unused ones; copy them for the peers."""
    readers = await database.add_organizations(READERS, READERS_SIZE)
    writers = await database.add_organizations(WRITERS, WRITERS_SIZE)
    others = tenants - READERS * (1 + READERS_SIZE) - WRITERS * (1 + WRITERS_SIZE)
    await database.add_organizations(max(0, others) // (1 + USUAL_SIZE), USUAL_SIZE)
    await database.add_plain_copy()
    await database.vacuum()
    return Workload(database, await database.callers(readers), await database.callers(writers))


def cells(clients: tuple[int, ...]) -> list[Cell]:
    """Return the combinations to measure: operation, workers, clients."""
    many = max(number for number in clients if number <= 100)  # noqa: PLR2004 - as in the goals
    everything = [(operation, 1, USUAL_CLIENTS) for operation in OPERATIONS]
    one = [("GET by id", 1, number) for number in clients if number != USUAL_CLIENTS]
    two = [("GET by id", 2, number) for number in clients if number >= USUAL_CLIENTS]
    return everything + one + [(DAY, 1, many)] + two + [(DAY, 2, many)]


def chosen_peers() -> tuple[tuple[Peer, ...], dict[str, str]]:
    """Return the peers that can run here, and the reasons why others cannot."""
    reasons = {peer.name: reason for peer in PEERS if (reason := install(peer)) is not None}
    return tuple(peer for peer in PEERS if peer.name not in reasons), reasons


async def compare(
    bench: Bench, database: Database, workload: Workload, begin: Begin
) -> tuple[list[Sample], dict[str, str]]:
    """Measure each cell for all peers in turn, all cells in each round; also return the reasons for skipped peers."""
    samples = []
    peers, skipped = chosen_peers()
    advance = begin(bench.extent.rounds * len(cells(bench.extent.clients)) * len(peers))
    with ExitStack() as stack:
        processes = {
            (peer.name, workers): stack.enter_context(peer.start(database, workers, POOL_SIZE))
            for peer in peers
            for workers in WORKERS
        }
        for peer in peers:
            for workers in WORKERS:
                await workload.warm_up(bench, (peer, processes[peer.name, workers]))
        for number in range(bench.extent.rounds):
            await database.vacuum()
            for operation, workers, clients in cells(bench.extent.clients):
                first = number % len(peers)
                for peer in (*peers[first:], *peers[:first]):
                    process = processes[peer.name, workers]
                    batch, figures = await workload.send(bench, (peer, process), operation, clients)
                    key = {"peer": peer.name, "operation": operation, "workers": workers, "clients": clients}
                    samples.append(Sample(MEASURE, number, key, batch.responses, batch.checked, figures))
                    advance(1, f"{peer.name}: {operation}, {workers} workers, {clients} clients")
    return samples, skipped
