"""The other side of forking_pytest.py."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.sources import ROOT


class PytestForks:
    """A process whose forks run pytest, one at a time."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._output = folder / "output"

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["PytestForks"]:
        """Start the process; it ends when its input does."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MTDB_")}
        command = [sys.executable, "-m", "tests.mutants.forking_pytest"]
        with (
            tempfile.TemporaryDirectory(prefix="mutants-") as folder,
            subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process,
        ):
            yield cls(process, Path(folder))

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], sources: Path) -> tuple[int, str]:
        """Run pytest on the code below `sources`; return its exit code and what it printed."""
        order = {
            "arguments": list(arguments),
            "environment": {**environment, "PYTHONPATH": str(sources)},
            "sources": str(sources),
            "output": str(self._output),
        }
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError("the process has no pipes")
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return code, self._output.read_text(encoding="utf-8", errors="replace")
