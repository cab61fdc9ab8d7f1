"""When organisations were written: noted by one process, read by another."""

import subprocess
import sys
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest

from multi_tenant_db.database.write_times import SLOTS, WriteTimes

ONE, OTHER = UUID(int=1), UUID(int=2)
SAME_SLOT = UUID(int=1 + SLOTS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make the file, as `mtdb serve` does."""
    WriteTimes.create(tmp_path / "write_times")
    return tmp_path / "write_times"


def test_a_write_is_noted_for_its_organization() -> None:
    """In memory: only the organisation, or one that shares its slot, has a later moment."""
    times = WriteTimes()
    assert times.latest(ONE) == 0.0
    before = monotonic()
    times.note_write(ONE)
    assert before <= times.latest(ONE) == times.latest(SAME_SLOT) <= monotonic()
    assert times.latest(OTHER) == 0.0


def test_a_platform_operators_write_is_one_of_every_organization() -> None:
    """Which it wrote in is not known."""
    times = WriteTimes()
    times.note_write(None)
    assert times.latest(ONE) == times.latest(OTHER) > 0.0


def test_another_process_knows_at_once(path: Path) -> None:
    """The moment is on the same clock, and there before the other process goes on."""
    times = WriteTimes(path)
    program = (
        "from pathlib import Path; from uuid import UUID; import sys;"
        "from multi_tenant_db.database.write_times import WriteTimes;"
        "WriteTimes(Path(sys.argv[1])).note_write(UUID(int=1))"
    )
    before = monotonic()
    subprocess.run([sys.executable, "-c", program, path], check=True)
    assert before <= times.latest(ONE) <= monotonic()
    assert times.latest(OTHER) == 0.0
    times.close()
