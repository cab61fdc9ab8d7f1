"""The requests of each operation, for each peer, with the expected responses."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import count, cycle, islice
from uuid import UUID

from benchmarks.data.caller import Caller
from benchmarks.data.database import METADATA, Database
from benchmarks.judge import Judge
from benchmarks.load.batch import Batch
from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.generator import WARM_UP_SECONDS
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.measures.bench import Bench
from benchmarks.peers.peer import Peer
from benchmarks.running_process import RunningProcess

READS = ("GET by id", "list of 20", "list of 100")
WRITES = ("POST", "PUT", "DELETE")
DAY = "bank day"
OPERATIONS = (*READS, *WRITES, DAY)
DAY_PERCENT = {"GET by id": 60, "list of 20": 20, "PUT": 8, "POST": 7, "DELETE": 5}
"""Assumed mix of a bank's clients: mostly reads."""

WARM_UP_CLIENTS = 100
OK = 200
ITEMS = 200
WRITES_A_SECOND = 5_000
"""More than any peer achieves, since a write is sent only once."""

ADD = """
    INSERT INTO {table} (tenant_type, parent_tenant_id, name, metadata)
    SELECT 'subsidiary', parent, 'New ' || name, $3::jsonb FROM unnest($1::uuid[], $2::text[]) AS new (parent, name)
    RETURNING parent_tenant_id, tenant_id
"""
REMOVE = "DELETE FROM {table} WHERE parent_tenant_id = ANY ($1) AND name LIKE 'New %'"

Kind = tuple[str, CheckedRequest]


class Workload:
    """Reads use organisations without writes, so their responses stay identical."""

    def __init__(self, database: Database, readers: Sequence[Caller], writers: Sequence[Caller]) -> None:
        self.database = database
        self._judge = Judge(database)
        self.readers = readers
        self._writers = {caller.tenant_id: caller for caller in writers}
        self._reads: dict[tuple[str, str], list[CheckedRequest]] = {}
        self._numbers = count()
        self._chance = random.Random(20_261_121)  # noqa: S311 - the same requests in every run

    async def send(
        self, bench: Bench, at: tuple[Peer, RunningProcess], operation: str, clients: int
    ) -> tuple[Batch, dict[str, float]]:
        """Measure an operation of a running peer for one window; raises WrongResponseError."""
        peer, process = at
        fresh = operation not in READS
        kinds = await self.make(peer, process.port, operation, bench.extent.seconds + WARM_UP_SECONDS)
        before = await self.total(peer) if fresh else (0, 0)
        requests = [request for _, request in kinds]
        batch, figures = bench.send(process, requests, clients, repeat=not fresh)
        if fresh:
            await self.require_changes(peer, before, kinds[: batch.responses])
        return batch, figures

    async def warm_up(self, bench: Bench, at: tuple[Peer, RunningProcess]) -> None:
        """Open every connection and prepare every statement before the first window."""
        for operation in ("GET by id", DAY):
            await self.send(bench.lasting(WARM_UP_SECONDS), at, operation, WARM_UP_CLIENTS)

    async def make(self, peer: Peer, port: int, operation: str, seconds: float) -> list[Kind]:
        """Return enough requests for `seconds`, each with its kind; reads may be repeated."""
        amount = int(seconds * WRITES_A_SECOND)
        if operation in READS:
            return [(operation, request) for request in await self._read_requests(peer, port, operation)]
        if operation in WRITES:
            return [(operation, request) for request in await self._write_requests(peer, operation, amount)]
        parts: list[Kind] = []
        for part, percent in DAY_PERCENT.items():
            share = amount * percent // 100
            is_read = part in READS
            requests = await (
                self._read_requests(peer, port, part) if is_read else self._write_requests(peer, part, share)
            )
            parts += [(part, request) for request in islice(cycle(requests), share)]
        self._chance.shuffle(parts)
        return parts

    async def total(self, peer: Peer) -> tuple[int, int]:
        """Return the number of tenants of the writers' organisations and the sum of their versions."""
        return await self.database.total(peer.table, list(self._writers))

    async def require_changes(self, peer: Peer, before: tuple[int, int], sent: Sequence[Kind]) -> None:
        """Require exactly the confirmed writes in the database; then remove the added tenants."""
        times = Counter(kind for kind, _ in sent)
        grown = times["POST"] - times["DELETE"]
        expected = before[0] + grown, before[1] + grown + times["PUT"]
        found = await self.total(peer)
        if found != expected:
            raise WrongResponseError(f"{peer.name}: {found} tenants and versions are stored, expected {expected}")
        await self.database.admin_of(peer.table).execute(REMOVE.format(table=peer.table), list(self._writers))

    async def _read_requests(self, peer: Peer, port: int, operation: str) -> list[CheckedRequest]:
        known = self._reads.get((peer.name, operation))
        if known is None:
            known = self._reads[peer.name, operation] = await self._verified(peer, port, operation)
        return known

    async def _verified(self, peer: Peer, port: int, operation: str) -> list[CheckedRequest]:
        if operation == "GET by id":
            return [
                await self._judge.read_request(peer.dialect, port, caller, (n * 7) % len(caller.subsidiaries))
                for n, caller in zip(range(ITEMS), cycle(self.readers), strict=False)
            ]
        limit = int(operation.rpartition(" ")[2])
        return [await self._judge.page_request(peer.dialect, port, caller, limit) for caller in self.readers]

    async def _write_requests(self, peer: Peer, operation: str, amount: int) -> list[CheckedRequest]:
        names = [f"{n}" for n in islice(self._numbers, amount)]
        callers = list(islice(cycle(self._writers.values()), amount))
        dialect = peer.dialect
        if operation == "POST":
            return [
                CheckedRequest(
                    dialect.create(caller, f"New {name}"), dialect.created, f'"New {name}"'.encode(), exact=False
                )
                for caller, name in zip(callers, names, strict=True)
            ]
        if operation == "PUT":
            members = cycle([(caller, member) for caller in self._writers.values() for member in caller.subsidiaries])
            return [
                CheckedRequest(
                    dialect.replace(caller, member, f"Name {name}"), OK, f'"Name {name}"'.encode(), exact=False
                )
                for (caller, member), name in zip(members, names, strict=False)
            ]
        parents: list[UUID] = [caller.tenant_id for caller in callers]
        rows = await self.database.admin_of(peer.table).fetch(ADD.format(table=peer.table), parents, names, METADATA)
        return [
            CheckedRequest(
                dialect.delete(self._writers[row[0]], row[1]),
                dialect.deleted,
                dialect.deleted_text(row[1]),
                exact=False,
            )
            for row in rows
        ]
