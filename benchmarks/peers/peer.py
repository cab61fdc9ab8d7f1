"""A peer, ready to be started."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.data.database import Database
from benchmarks.peers.dialect import Dialect
from benchmarks.running_process import RunningProcess


@dataclass(frozen=True)
class Peer:
    """`start` makes its process, for a database, with so many workers of so many connections each."""

    name: str
    table: str
    dialect: Dialect
    start: Callable[[Database, int, int], RunningProcess]
