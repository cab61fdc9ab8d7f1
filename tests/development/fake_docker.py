"""A `docker` for tests of `make up` and its companions: it notes how it is called, and answers as it is told."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.interruptible import PYTHON
from tests.support.sources import ROOT

PROGRAM = """#!/bin/sh
{ env; echo "call: $*"; } >> "$FAKE_DOCKER/calls"
case "$*" in
    info) exit "${ENGINE:-0}" ;;
    "compose version") exit "${COMPOSE:-0}" ;;
    "volume inspect "*) grep -qx "$3" "$FAKE_DOCKER/volumes" 2>/dev/null || exit 1 ;;
    *" logs "*) cat "$FAKE_DOCKER/logs" 2>/dev/null; [ -z "$FOLLOWS" ] || exec sleep 60 ;;
    *" port "*)
        case "$*" in *" --env-file "*) ;; *) [ "$POSTGRES_PASSWORD" ] || exit 1 ;; esac
        service=${*##* port }
        cat "$FAKE_DOCKER/port-of-${service% *}" 2>/dev/null || exit 1 ;;
esac
case " $* " in *" ${FAILING:-nothing} "*) echo "no engine" >&2; exit 1 ;; esac
"""


class FakeDocker:
    """A copy of the checkout's scripts and sources, and a `docker` that comes first on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder
        self._notes = folder.parent / f"docker-of-{folder.name}"
        self._notes.mkdir(parents=True)
        for name in ("src", "scripts", "migrations", "monitoring"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / ".local").mkdir()
        program = self._notes / "docker"
        program.write_text(PROGRAM)
        program.chmod(0o755)

    def remember(self, stack: str) -> dict[str, str]:
        """Write the environment file as an earlier `make up` left it; return its passwords."""
        passwords = {name: f"{name} of this checkout" for name in ("MTDB_API_PASSWORD", "POSTGRES_PASSWORD")}
        where = {"STACK": stack, "MTDB_DATABASE_URL": "postgresql://127.0.0.1:1/tenancy", "MTDB_PORT": "1"}
        lines = [f"{name}={value}\n" for name, value in (where | passwords).items()]
        (self.checkout / ".local" / "development.env").write_text("".join(lines))
        return passwords

    def has(self, name: str, *lines: str) -> None:
        """Give docker volumes, its containers' logs, or the port of one of them."""
        (self._notes / name).write_text("".join(f"{line}\n" for line in lines))

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/development.py of the copy."""
        return self._run([str(self.checkout / "scripts" / "development.py"), *arguments], environment)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start it, as from a terminal of its own."""
        return subprocess.Popen(
            [*PYTHON, str(self.checkout / "scripts" / "development.py"), *arguments],
            cwd=self.checkout,
            env=self._environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, expression: str, **environment: str) -> Any:
        """Evaluate an expression where scripts/development.py is imported as `development`."""
        said = self.say(expression, **environment)
        try:
            return json.loads(said.splitlines()[-1])
        except ValueError:
            return said

    def say(self, expression: str, **environment: str) -> str:
        """Do the same; return all that was said."""
        program = f"import json, development, docker_stack, local_servers; print(json.dumps({expression}))"
        done = self._run(["-c", program], {"PYTHONPATH": f"{self.checkout}/scripts:{self.checkout}/src"} | environment)
        return done.stdout + done.stderr

    @property
    def calls(self) -> list[str]:
        """What docker was asked to do."""
        return [line.removeprefix("call: ") for line in self.noted if line.startswith("call: ")]

    def told(self, command: str) -> list[str]:
        """Return the environment of the last call that ends with this command."""
        environment: list[str] = []
        calls = {}
        for line in self.noted:
            if line.startswith("call: "):
                calls[line.split()[-1]] = environment
                environment = []
            else:
                environment.append(line)
        return calls[command]

    @property
    def noted(self) -> list[str]:
        """Everything it noted: its environment before each call, and the calls."""
        notes = self._notes / "calls"
        return notes.read_text().splitlines() if notes.exists() else []

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._notes}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.checkout / "src"),
            "FAKE_DOCKER": str(self._notes),
            "PORT": "1",
            "POSTGRES_PORT": "2",
        }

    def _run(self, arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.checkout,
            env=self._environment() | environment,
            capture_output=True,
            text=True,
            check=False,
        )
