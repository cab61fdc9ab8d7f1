"""The ways to choose a server for new organisations."""

from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from random import Random

Choose = Callable[[Sequence[float], float, int, Random], list[int]]
"""Returns servers for a number of new organisations, from the loads of all servers and the mean size."""


def by_hash(loads: Sequence[float], _mean: float, count: int, random: Random) -> list[int]:
    """Choose by a hash of the id: ids are random, so each server is equally likely."""
    draw, servers = random.random, len(loads)
    return [int(draw() * servers) for _ in range(count)]


def least_loaded(loads: Sequence[float], mean: float, count: int, _random: Random) -> list[int]:
    """Choose the server with the least load; one placed since the loads were reported counts as a mean one."""
    heap = [(load, server) for server, load in enumerate(loads)]
    heapify(heap)
    chosen = []
    for _ in range(count):
        load, server = heap[0]
        chosen.append(server)
        heapreplace(heap, (load + mean, server))
    return chosen


def two_choices(loads: Sequence[float], mean: float, count: int, random: Random) -> list[int]:
    """Choose the less loaded of two random servers, with the same count of those placed since."""
    known, draw, servers = list(loads), random.random, len(loads)
    chosen = []
    for _ in range(count):
        server, other = int(draw() * servers), int(draw() * servers)
        if known[other] < known[server]:
            server = other
        known[server] += mean
        chosen.append(server)
    return chosen


CHOICES: dict[str, Choose] = {
    "hash of the id": by_hash,
    "two choices": two_choices,
    "least loaded": least_loaded,
}
