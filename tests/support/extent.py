"""How much of an exhaustive matrix a run tries.

`make test` tries a representative part. MTDB_EXHAUSTIVE=1, which `make attack`, `make mutants`, `make test-floor` and
`make test EXHAUSTIVE=1` set, tries everything.
"""

import os
from collections.abc import Iterable

EXHAUSTIVE = os.environ.get("MTDB_EXHAUSTIVE") == "1" or os.environ.get("MTDB_LONG") == "1"


def part[Case](cases: Iterable[Case], each: int) -> list[Case]:
    """Return every case in an exhaustive run, otherwise the first and each n-th after it."""
    chosen = list(cases)
    return chosen if EXHAUSTIVE else chosen[::each]
