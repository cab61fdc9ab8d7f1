"""Other processes, as Linux tells about them and as `ps` does where there is no /proc."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from multi_tenant_db.development import processes


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that waits."""
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        while not processes.command_of(process.pid):
            time.sleep(0.01)
        yield process
        process.kill()


def test_a_running_process_is_known_by_its_command(child: subprocess.Popen[bytes]) -> None:
    """The command line of a child, and the child among our own, are seen."""
    assert "sleep 60" in (processes.command_of(child.pid) or "")
    assert child.pid in processes.children_of(os.getpid())


def test_a_killed_process_does_not_run_though_nobody_has_reaped_it(child: subprocess.Popen[bytes]) -> None:
    """A zombie counts as ended: in a container without an init process it stays for ever."""
    assert not processes.wait_for_end(child.pid, 0.05)
    processes.kill_at_once([child.pid])
    assert processes.command_of(child.pid) is None
    assert processes.wait_for_end(child.pid, 1)


def test_killing_what_has_ended_is_harmless(child: subprocess.Popen[bytes]) -> None:
    """A process that ends before the signal arrives is no error."""
    child.kill()
    child.wait()
    processes.kill_at_once([child.pid])
    assert processes.command_of(child.pid) is None


@pytest.mark.parametrize(
    ("printed", "command"),
    [("Ss   /usr/bin/postgres -D /data\n", "/usr/bin/postgres -D /data"), ("Z    (postgres)\n", None), ("", None)],
)
def test_ps_tells_the_same(printed: str, command: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, `ps` gives the command; a zombie and an absent process have none."""
    monkeypatch.setattr(processes, "PROC", Path("/nonexistent"))
    monkeypatch.setattr(processes, "_ps", lambda *_: printed)
    assert processes.command_of(7) == command


def test_ps_tells_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, `ps` gives the children."""
    monkeypatch.setattr(processes, "PROC", Path("/nonexistent"))
    monkeypatch.setattr(processes, "_ps", lambda *_: "    1     0\n    8     7\n    9     8\n   10     7\n")
    assert processes.children_of(7) == [8, 10]
