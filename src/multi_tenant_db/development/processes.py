"""Processes of this machine, on Linux and macOS."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
"""Linux's process information; other systems use `ps`."""


def command_of(process_id: int) -> str | None:
    """Return the command line of a process, empty just after its start; None if it does not run or is a zombie."""
    if (PROC / "self").exists():
        if _state_and_parent(PROC / str(process_id))[0] in {None, "Z", "X"}:
            return None
        try:
            return (PROC / str(process_id) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return None
    shown = _ps("-p", str(process_id), "-o", "stat=,command=").strip()
    return None if not shown or shown.startswith("Z") else shown.partition(" ")[2].strip()


def children_of(process_id: int) -> list[int]:
    """Return the ids of a process's direct children."""
    if (PROC / "self").exists():
        return [int(folder.name) for folder in PROC.glob("[0-9]*") if _state_and_parent(folder)[1] == process_id]
    pairs = (line.split() for line in _ps("-A", "-o", "pid=,ppid=").splitlines())
    return [int(child) for child, parent in pairs if int(parent) == process_id]


def wait_for_end(process_id: int, seconds: float) -> bool:
    """Wait until a process has ended; return whether it did in time."""
    deadline = time.monotonic() + seconds
    while command_of(process_id) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill_at_once(process_ids: list[int]) -> None:
    """Send SIGKILL to each, like a crash, and wait until they have ended."""
    for process_id in process_ids:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
    for process_id in process_ids:
        wait_for_end(process_id, 10)


def _state_and_parent(folder: Path) -> tuple[str | None, int | None]:
    try:
        # The name of the program, in parentheses, may contain spaces and parentheses.
        state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None, None
    return state, int(parent)


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout  # noqa: S607 - PATH knows
