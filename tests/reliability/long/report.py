"""The tables of `docs/reports/reliability.md`, written between their markers."""

import os
import platform
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.reliability.long.failover_record import FailoverRecord
from tests.reliability.long.fault_record import FaultRecord
from tests.reliability.long.load_record import LoadRecord

DOCUMENT = Path("docs/reports/reliability.md")
MEBIBYTE = 1 << 20


def write_table(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Replace the table of this name; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    _write(name, "\n".join(lines))


def write_machine(minutes: float, workers: int, postgres: str, generator: float) -> None:
    """Say where and how long the figures were taken."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    _write(
        "machine",
        f"{platform.system()} {platform.release()} on {platform.machine()}, {_processor()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GiB; Python {platform.python_version()}, PostgreSQL {postgres}, both and the clients on this "
        f"one machine. Minutes of each load: {minutes:g}; worker processes: {workers}. The clients alone make "
        f"{generator:,.0f} requests a second of a server that answers at once.",
    )


def write_failover_conditions() -> None:
    """Say how busy the machine was, since the seconds depend on it."""
    load, _, _ = os.getloadavg()
    _write(
        "failover conditions",
        f"Load average of the machine at the end of the run: {load:.1f}, with {os.cpu_count()} cores.",
    )


def fault_rows(records: Sequence[FaultRecord]) -> list[list[str]]:
    """Return the table of faults."""
    head = [
        "fault (rounds)",
        "what the clients saw of requests during it",
        "first right answer after the return, worst",
        "last failing request after it, worst",
        "writes acknowledged",
        "of these found",
        "connections afterwards",
        "complaints",
    ]
    return [head] + [
        [
            f"{record.fault} ({record.rounds})",
            _counted(record.seen),
            f"{max(record.recoveries):.2f} s",
            f"{max(record.last_failures):.2f} s" if any(record.last_failures) else "none",
            f"{record.acknowledged:,}",
            f"{record.found:,}",
            str(record.most_connections),
            str(len(record.complaints)),
        ]
        for record in records
    ]


def failover_rows(records: Sequence[FailoverRecord]) -> list[list[str]]:
    """Return the table of failovers."""
    head = [
        "what happens (rounds)",
        "replication",
        "what the clients saw of requests during it",
        "next 201, worst",
        "next 201 of every client, worst",
        "writes acknowledged",
        "of these lost",
        "repeated",
        "complaints",
    ]
    return [head] + [
        [
            f"{record.what} ({record.rounds})",
            record.replication,
            _counted(record.seen),
            f"{max(record.first_created):.2f} s",
            f"{max(record.all_created):.2f} s",
            f"{record.acknowledged:,}",
            f"{record.lost:,}",
            str(record.repeated),
            str(len(record.complaints)),
        ]
        for record in records
    ]


def load_rows(records: Sequence[LoadRecord]) -> list[list[str]]:
    """Return the table of loads."""
    head = [
        "clients",
        "requests",
        "right answers a second",
        "statuses",
        "p50",
        "p95",
        "p99",
        "memory at most",
        "writes acknowledged",
        "of these found",
        "complaints",
    ]
    return [head] + [
        [
            f"{record.clients:,}",
            f"{record.seen.total():,}",
            f"{record.per_second:,.0f}",
            _counted(record.seen),
            *(f"{record.percentile(percent):,.0f} ms" for percent in (50, 95, 99)),
            f"{max(record.resident) / MEBIBYTE:.0f} MiB",
            f"{record.acknowledged:,}",
            f"{record.found:,}",
            str(len(record.complaints)),
        ]
        for record in records
    ]


def memory_rows(record: LoadRecord) -> list[list[str]]:
    """Return the memory of the service over time, in ten parts."""
    size = max(1, len(record.resident) // 10)
    parts = [record.resident[at : at + size] for at in range(0, len(record.resident), size)][:10]
    minutes = record.seconds / 60 / len(parts)
    return [
        ["until minute", *(f"{minutes * (n + 1):.1f}" for n in range(len(parts)))],
        ["MiB, mean", *(f"{sum(part) / len(part) / MEBIBYTE:.0f}" for part in parts)],
    ]


def _counted(seen: Counter[str]) -> str:
    return ", ".join(f"{times:,} x {what}" for what, times in sorted(seen.items())) or "nothing"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists() and (model := re.search(r"model name\s*: (.+)", information.read_text())):
        return model[1].strip()
    return platform.processor() or "processor unknown"


def _write(name: str, content: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{DOCUMENT} lacks the marks {begin} and {end}")
    DOCUMENT.write_text(f"{before}{begin}\n{content}\n{end}{after}", encoding="utf-8")
