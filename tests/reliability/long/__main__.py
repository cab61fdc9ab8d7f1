"""`python -m tests.reliability.long`: faults, loads and memory, for as long as it takes; writes the report's tables."""

import asyncio
import os
import resource
import sys
from itertools import chain
from typing import Annotated

import asyncpg
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.long import report
from tests.reliability.long.failover_record import FailoverRecord
from tests.reliability.long.failover_rounds import CASES, failover_rounds
from tests.reliability.long.fault_record import FaultRecord
from tests.reliability.long.fault_rounds import fault_rounds, names_of_faults
from tests.reliability.long.load_record import LoadRecord
from tests.reliability.long.load_runs import limit_of_the_generator, run_load
from tests.reliability.long.standby_record import StandbyRecord, standby_rows
from tests.reliability.long.standby_rounds import SITUATIONS, standby_rounds
from tests.reliability.support.durable_server import durable_server
from tests.reliability.support.service import serving
from tests.support.migrated_server import migrated
from tests.support.test_database import TestDatabase

CLIENTS = (100, 300, 1_000)
WORKERS = max(1, (os.cpu_count() or 1) // 2)
"""Half of the cores are for PostgreSQL, and here for the clients, too."""
FILES = 4_096
"""A thousand connections are as many open files, here and in the service."""
STANDBY_ROUNDS = 5
"""In these rounds a few seconds pass, so there are more of them than of faults."""

console = Console()


def main(
    minutes: Annotated[float, typer.Option(help="Length of each load; memory is watched ten times as long.")] = 1.0,
    rounds: Annotated[int, typer.Option(help="How often each fault happens.")] = 3,
    workers: Annotated[int, typer.Option(help="Worker processes under load.")] = WORKERS,
    only_failover: Annotated[bool, typer.Option(help="Measure only failovers, and write only their table.")] = False,
    only_standby: Annotated[bool, typer.Option(help="Measure only reads from a standby.")] = False,
) -> None:
    """Run everything; exit code 1 when anything was lost, half done or wrong."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))
    if only_failover:
        run = _run_failovers(minutes, rounds)
    elif only_standby:
        run = _run_standby(rounds)
    else:
        run = _run(minutes, rounds, workers)
    complaints = asyncio.run(run, loop_factory=uvloop.new_event_loop)
    for complaint in complaints[:50]:
        console.print(complaint, style="red", markup=False)
    console.print(f"{len(complaints)} complaints; the tables are in {report.DOCUMENT}")
    sys.exit(1 if complaints else 0)


async def _run_failovers(minutes: float, rounds: int) -> list[str]:
    with Progress(console=console, transient=True) as progress:
        failovers = await _failovers(rounds, min(1.0, minutes), progress)
    return list(chain.from_iterable(record.complaints for record in failovers))


async def _run_standby(rounds: int) -> list[str]:
    with Progress(console=console, transient=True) as progress:
        standby = await _standby(rounds, progress)
    report.write_table("standby", standby_rows(standby))
    return list(chain.from_iterable(record.complaints for record in standby))


async def _run(minutes: float, rounds: int, workers: int) -> list[str]:
    with durable_server() as server, Progress(console=console, transient=True) as progress:
        database = await migrated(server)
        faults = await _faults(server, database, rounds, min(1.0, minutes), progress)
        failovers = await _failovers(rounds, min(1.0, minutes), progress)
        standby = await _standby(rounds, progress)
        generator = await limit_of_the_generator(CLIENTS[0], 5 * min(1.0, minutes))
        loads, memory = await _loads(database, workers, minutes, progress)

        report.write_machine(minutes, workers, await _version(server), generator)
        report.write_table("faults", report.fault_rows(faults))
        report.write_table("standby", standby_rows(standby))
        report.write_table("loads", report.load_rows(loads))
        report.write_table("memory", report.memory_rows(memory))
    complaints = [record.complaints for record in faults] + [record.complaints for record in failovers]
    complaints += [record.complaints for record in standby] + [record.complaints for record in (*loads, memory)]
    return list(chain.from_iterable(complaints))


async def _faults(
    server: EmbeddedPostgres, database: TestDatabase, rounds: int, pace: float, progress: Progress
) -> list[FaultRecord]:
    records: dict[str, FaultRecord] = {}
    task = progress.add_task("faults", total=rounds * len(names_of_faults()))
    async for record in fault_rounds(server, database, rounds, pace):
        records[record.fault] = record
        progress.update(task, advance=1, description=f"faults: {record.fault}")
    return list(records.values())


async def _failovers(rounds: int, pace: float, progress: Progress) -> list[FailoverRecord]:
    records: dict[tuple[str, str], FailoverRecord] = {}
    task = progress.add_task("failovers", total=rounds * len(CASES))
    async for record in failover_rounds(rounds, pace):
        records[record.what, record.replication] = record
        progress.update(task, advance=1, description=f"failovers: {record.what}")
    report.write_failover_conditions()
    report.write_table("failovers", report.failover_rows([*records.values()]))
    return list(records.values())


async def _standby(rounds: int, progress: Progress) -> list[StandbyRecord]:
    records: dict[str, StandbyRecord] = {}
    rounds *= STANDBY_ROUNDS
    task = progress.add_task("standby", total=rounds * len(SITUATIONS))
    async for record in standby_rounds(rounds):
        records[record.situation] = record
        progress.update(task, advance=1, description=f"standby: {record.situation}")
    return list(records.values())


async def _loads(
    database: TestDatabase, workers: int, minutes: float, progress: Progress
) -> tuple[list[LoadRecord], LoadRecord]:
    async with serving(database, workers=workers) as service:

        async def load(what: str, clients: int, seconds: float) -> LoadRecord:
            task = progress.add_task(what, total=seconds)
            return await run_load(database, service, clients, seconds, lambda done: progress.advance(task, done))

        loads = [await load(f"{clients} clients", clients, minutes * 60) for clients in CLIENTS]
        return loads, await load(f"memory, {CLIENTS[0]} clients", CLIENTS[0], minutes * 600)


async def _version(server: EmbeddedPostgres) -> str:
    connection = await asyncpg.connect(server.url())
    try:
        return str(await connection.fetchval("SHOW server_version")).split(" ", 1)[0]
    finally:
        await connection.close()


if __name__ == "__main__":
    typer.run(main)
