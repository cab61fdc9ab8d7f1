"""What a statement cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Times are in milliseconds, the fastest of many, since other work on the machine can only lengthen them.

    `executed` counts the scanned partitions, or 1 without partitions. `planning` is of a plan made anew; `prepared` is
    the time of a client's prepared statement, with the round trip.
    """

    partitions: int
    caller: str
    what: str
    executed: int
    buffers: int
    planning: float
    prepared: float
