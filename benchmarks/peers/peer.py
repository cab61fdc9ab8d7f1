"""A peer of the comparison."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.data.database import Database
from benchmarks.peers.dialect import Dialect
from benchmarks.running_process import RunningProcess


@dataclass(frozen=True)
class Peer:
    """`start` takes the database, the number of workers and the pool size of each."""

    name: str
    table: str
    dialect: Dialect
    start: Callable[[Database, int, int], RunningProcess]
