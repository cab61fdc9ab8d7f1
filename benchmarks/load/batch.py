"""The result of sending requests for a time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """`responses` counts correct ones, `checked` all; the figures exclude the warm-up, latencies are in ms."""

    responses: int
    checked: int
    seconds: float
    per_second: float
    p50: float
    p95: float
    p99: float
    generator_cpu_seconds: float
    generator_share_of_a_core: float
