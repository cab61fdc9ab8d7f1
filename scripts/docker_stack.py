"""The stack in Docker Compose: PostgreSQL and the API in containers."""

import hashlib
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from development_environment import FILE, PASSWORDS, read_environment

from multi_tenant_db.development.folders import PROJECT
from multi_tenant_db.development.ports import answers, free_port

NO_DOCKER = "MTDB_NO_DOCKER"
OF_OTHER_PROJECTS = {"COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_ENV_FILES"}
MOUNTED = ("src", "monitoring")
"""Folders that are mounted into containers."""
CLEAR_LINE = "\x1b[2K"
"""Written by some versions of compose before each line of a log, also to a pipe."""


def engine_answers() -> bool:
    """Return whether a Docker engine is available and allowed."""
    return not is_unwanted() and _succeeds("docker", "info")


def is_unwanted() -> bool:
    """Return whether MTDB_NO_DOCKER=1 forbids Docker."""
    return os.environ.get(NO_DOCKER, "") not in {"", "0"}


def compose_is_there() -> bool:
    """Return whether the client has compose v2."""
    return _succeeds("docker", "compose", "version")


def require_compose() -> None:
    """Exit with a message if the client has no compose; called when the data is in Docker."""
    if not compose_is_there():
        sys.exit("error: the data of this checkout is in Docker, whose client has no `docker compose` v2: install it.")


def require_port(variable: str, port: int, service: str, inside: int) -> None:
    """Refuse a port that another program uses, before anything is built."""
    if answers(port) and not _publishes(service, inside, port):
        sys.exit(
            f"error: port {port} is taken by another program: choose another, "
            f"for example `make up {variable}={free_port()}`."
        )


def project_name() -> str:
    """Return compose's project name, which is unique for this checkout.

    It depends on the whole path: checkouts in folders of the same name share nothing.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", PROJECT.name.lower()).strip("-")
    return f"mtdb-{readable or 'checkout'}-{hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:8]}"


def earlier_data() -> str | None:
    """Return the volume of a `make up` before 1.1, named after the folder, if only that volume exists."""
    folder = re.sub(r"[^a-z0-9_-]", "", PROJECT.name.lower()).lstrip("_-")
    current, earlier = f"{project_name()}_data", f"{folder}_data"
    if _succeeds("docker", "volume", "inspect", earlier) and not _succeeds("docker", "volume", "inspect", current):
        return earlier
    return None


def unreadable_source() -> str | None:
    """Return a file or folder that the containers' users cannot read, as under umask 077, or None.

    The reloader also enters the folders of compiled files; the files in them need not be readable.
    """
    for folder in (PROJECT / name for name in MOUNTED):
        for path in [folder, *sorted(folder.rglob("*"))]:
            if path.suffix != ".pyc" and not _is_readable_by_all(path):
                return str(path.relative_to(PROJECT))
    return None


def compose(*arguments: str) -> bool:
    """Run docker compose on this project with the development passwords; return whether it succeeded."""
    return subprocess.run(_command(arguments), cwd=PROJECT, env=_environment(), check=False).returncode == 0


def last_lines(*services: str) -> str:
    """Return the last log lines of services."""
    command = _command(("logs", "--no-color", "--tail=20", *services))
    done = subprocess.run(command, cwd=PROJECT, env=_environment(), capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).replace(CLEAR_LINE, "")


def _is_readable_by_all(path: Path) -> bool:
    mode = path.lstat().st_mode
    needed = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
    return mode & needed == needed


def _publishes(service: str, inside: int, port: int) -> bool:
    """Return whether a container of this checkout has the port; compose needs the passwords with any values."""
    done = subprocess.run(
        _command(("port", service, str(inside))),
        cwd=PROJECT,
        env=dict.fromkeys(PASSWORDS, "unused") | _environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().endswith(f":{port}")


def _command(arguments: Sequence[str]) -> list[str]:
    file = ["--env-file", str(FILE)] if FILE.exists() else []
    return ["docker", "compose", "--project-name", project_name(), *file, *arguments]


def _environment() -> dict[str, str]:
    """Return the environment without variables that override the file or name another project."""
    unwanted = OF_OTHER_PROJECTS | read_environment().keys()
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
