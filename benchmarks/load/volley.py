"""What came of firing at a server for a while."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Volley:
    """`answers` were right, `checked` were looked at; figures are those after the warm-up, latencies in ms."""

    answers: int
    checked: int
    seconds: float
    per_second: float
    p50: float
    p95: float
    p99: float
    generator_cpu_seconds: float
    generator_share_of_a_core: float
