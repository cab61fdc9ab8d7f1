"""What one fault did, over several rounds."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class FaultRecord:
    """A row of the table."""

    fault: str
    rounds: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    last_failures: list[float] = field(default_factory=list)
    acknowledged: int = 0
    found: int = 0
    most_connections: int = 0
    complaints: list[str] = field(default_factory=list)
