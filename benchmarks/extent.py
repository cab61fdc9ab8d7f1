"""The extent of a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """The extent of a run. A window is the duration of one uninterrupted measurement."""

    name: str
    seconds: float
    rounds: int
    tenants: int
    clients: tuple[int, ...]
    growth: tuple[int, ...]
    requests: int
    pool_sizes: tuple[int, ...]


SHORT = Extent(
    name="short",
    seconds=0.6,
    rounds=3,
    tenants=20_000,
    clients=(1, 32, 100),
    growth=(1_000, 100_000),
    requests=20_000,
    pool_sizes=(4, 10, 20),
)
LONG = Extent(
    name="long",
    seconds=2.0,
    rounds=3,
    tenants=100_000,
    clients=(1, 32, 100, 300),
    growth=(1_000, 100_000, 2_000_000),
    requests=1_000_000,
    pool_sizes=(2, 4, 6, 10, 20, 40),
)
