"""Docker Compose, where an engine answers: PostgreSQL and the API in containers."""

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence

from development_environment import FILE, read_environment

from multi_tenant_db.development.folders import PROJECT

NO_DOCKER = "MTDB_NO_DOCKER"
OTHERS_READ = 0o004


def engine_answers() -> bool:
    """Tell whether a Docker engine answers; MTDB_NO_DOCKER=1 says that none does."""
    return os.environ.get(NO_DOCKER, "") in {"", "0"} and _succeeds("docker", "info")


def compose_is_there() -> bool:
    """Tell whether the engine's client has compose v2."""
    return _succeeds("docker", "compose", "version")


def project_name() -> str:
    """Return the name by which compose tells this checkout's containers and data from those of every other.

    Made of the whole path: two checkouts in folders of one name share nothing.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", PROJECT.name.lower()).strip("-")
    return f"mtdb-{readable or 'checkout'}-{hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:8]}"


def earlier_data() -> str | None:
    """Return the volume of a `make up` before 1.1, which was named after the folder, if it is there and ours is not."""
    before = re.sub(r"[^a-z0-9_-]", "", PROJECT.name.lower()).lstrip("_-")
    ours, theirs = f"{project_name()}_data", f"{before}_data"
    if _succeeds("docker", "volume", "inspect", theirs) and not _succeeds("docker", "volume", "inspect", ours):
        return theirs
    return None


def unreadable_source() -> str | None:
    """Return a source file that the container's user cannot read, as under umask 077; None when all can be read."""
    for path in sorted((PROJECT / "src").rglob("*.py")):
        if not path.stat().st_mode & OTHERS_READ:
            return str(path.relative_to(PROJECT))
    return None


def compose(*arguments: str) -> bool:
    """Run docker compose on this project with the development passwords; tell whether it succeeded."""
    return subprocess.run(_command(arguments), cwd=PROJECT, env=_environment(), check=False).returncode == 0


def last_lines(*services: str) -> str:
    """Return what these services said last."""
    command = _command(("logs", "--no-color", "--tail=20", *services))
    done = subprocess.run(command, cwd=PROJECT, env=_environment(), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _command(arguments: Sequence[str]) -> list[str]:
    return ["docker", "compose", "--project-name", project_name(), "--env-file", str(FILE), *arguments]


def _environment() -> dict[str, str]:
    """Give our environment without what the file says: for compose, the shell's variables go before the file's."""
    return {name: value for name, value in os.environ.items() if name not in read_environment()}


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
