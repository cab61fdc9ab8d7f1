"""The requests of each operation, for each peer, with the answers that are right."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import count, cycle, islice
from uuid import UUID

from benchmarks.data.caller import Caller
from benchmarks.data.database import METADATA, Database
from benchmarks.judge import Judge
from benchmarks.load.generator import WARM_UP_SECONDS
from benchmarks.load.shot import Shot
from benchmarks.load.volley import Volley
from benchmarks.load.wrong_answer import WrongAnswerError
from benchmarks.measures.bench import Bench
from benchmarks.peers.peer import Peer
from benchmarks.running_process import RunningProcess

READS = ("GET by id", "list of 20", "list of 100")
WRITES = ("POST", "PUT", "DELETE")
DAY = "bank day"
OPERATIONS = (*READS, *WRITES, DAY)
DAY_PERCENT = {"GET by id": 60, "list of 20": 20, "PUT": 8, "POST": 7, "DELETE": 5}
"""What a bank's clients do, as far as anybody can say: mostly look."""

WARM_UP_CLIENTS = 100
OK = 200
ITEMS = 200
WRITES_A_SECOND = 5_000
"""More than any peer manages: a write is fired once."""

ADD = """
    INSERT INTO {table} (tenant_type, parent_tenant_id, name, metadata)
    SELECT 'subsidiary', parent, 'New ' || name, $3::jsonb FROM unnest($1::uuid[], $2::text[]) AS new (parent, name)
    RETURNING parent_tenant_id, tenant_id
"""
REMOVE = "DELETE FROM {table} WHERE parent_tenant_id = ANY ($1) AND name LIKE 'New %'"

Kind = tuple[str, Shot]


class Ammunition:
    """Reads go to organisations that nobody writes to, so their answers stay the same, byte for byte."""

    def __init__(self, database: Database, readers: Sequence[Caller], writers: Sequence[Caller]) -> None:
        self.database = database
        self._judge = Judge(database)
        self.readers = readers
        self._writers = {caller.tenant_id: caller for caller in writers}
        self._reads: dict[tuple[str, str], list[Shot]] = {}
        self._numbers = count()
        self._chance = random.Random(20_261_121)  # noqa: S311 - the same requests in every run

    async def fire(
        self, bench: Bench, at: tuple[Peer, RunningProcess], operation: str, clients: int
    ) -> tuple[Volley, dict[str, float]]:
        """Measure an operation of a running peer for one window; raises WrongAnswerError."""
        peer, process = at
        fresh = operation not in READS
        kinds = await self.make(peer, process.port, operation, bench.extent.seconds + WARM_UP_SECONDS)
        before = await self.total(peer) if fresh else (0, 0)
        shots = [shot for _, shot in kinds]
        volley, figures = bench.fire(process, shots, clients, repeat=not fresh)
        if fresh:
            await self.require_changes(peer, before, kinds[: volley.answers])
        return volley, figures

    async def warm_up(self, bench: Bench, at: tuple[Peer, RunningProcess]) -> None:
        """Open every connection and prepare every statement, so that no window pays for it."""
        for operation in ("GET by id", DAY):
            await self.fire(bench.lasting(WARM_UP_SECONDS), at, operation, WARM_UP_CLIENTS)

    async def make(self, peer: Peer, port: int, operation: str, seconds: float) -> list[Kind]:
        """Return enough shots for so many seconds, each with its kind; reads may be repeated."""
        amount = int(seconds * WRITES_A_SECOND)
        if operation in READS:
            return [(operation, shot) for shot in await self._read_shots(peer, port, operation)]
        if operation in WRITES:
            return [(operation, shot) for shot in await self._write_shots(peer, operation, amount)]
        parts: list[Kind] = []
        for part, percent in DAY_PERCENT.items():
            share = amount * percent // 100
            is_read = part in READS
            shots = await (self._read_shots(peer, port, part) if is_read else self._write_shots(peer, part, share))
            parts += [(part, shot) for shot in islice(cycle(shots), share)]
        self._chance.shuffle(parts)
        return parts

    async def total(self, peer: Peer) -> tuple[int, int]:
        """Return what the writers' organisations hold now."""
        return await self.database.total(peer.table, list(self._writers))

    async def require_changes(self, peer: Peer, before: tuple[int, int], fired: Sequence[Kind]) -> None:
        """Find in the database every write that was answered, and no other; then remove what was added."""
        times = Counter(kind for kind, _ in fired)
        grown = times["POST"] - times["DELETE"]
        expected = before[0] + grown, before[1] + grown + times["PUT"]
        found = await self.total(peer)
        if found != expected:
            raise WrongAnswerError(f"{peer.name}: {found} tenants and versions are stored, answered were {expected}")
        await self.database.admin_of(peer.table).execute(REMOVE.format(table=peer.table), list(self._writers))

    async def _read_shots(self, peer: Peer, port: int, operation: str) -> list[Shot]:
        known = self._reads.get((peer.name, operation))
        if known is None:
            known = self._reads[peer.name, operation] = await self._judged(peer, port, operation)
        return known

    async def _judged(self, peer: Peer, port: int, operation: str) -> list[Shot]:
        if operation == "GET by id":
            return [
                await self._judge.read_shot(peer.dialect, port, caller, (n * 7) % len(caller.subsidiaries))
                for n, caller in zip(range(ITEMS), cycle(self.readers), strict=False)
            ]
        limit = int(operation.rpartition(" ")[2])
        return [await self._judge.page_shot(peer.dialect, port, caller, limit) for caller in self.readers]

    async def _write_shots(self, peer: Peer, operation: str, amount: int) -> list[Shot]:
        names = [f"{n}" for n in islice(self._numbers, amount)]
        callers = list(islice(cycle(self._writers.values()), amount))
        say = peer.dialect
        if operation == "POST":
            return [
                Shot(say.create(caller, f"New {name}"), say.created, f'"New {name}"'.encode(), exact=False)
                for caller, name in zip(callers, names, strict=True)
            ]
        if operation == "PUT":
            members = cycle([(caller, member) for caller in self._writers.values() for member in caller.subsidiaries])
            return [
                Shot(say.replace(caller, member, f"Name {name}"), OK, f'"Name {name}"'.encode(), exact=False)
                for (caller, member), name in zip(members, names, strict=False)
            ]
        parents: list[UUID] = [caller.tenant_id for caller in callers]
        rows = await self.database.admin_of(peer.table).fetch(ADD.format(table=peer.table), parents, names, METADATA)
        return [
            Shot(say.delete(self._writers[row[0]], row[1]), say.deleted, say.deleted_text(row[1]), exact=False)
            for row in rows
        ]
