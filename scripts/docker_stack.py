"""Docker Compose, where an engine answers: PostgreSQL and the API in containers."""

import os
import subprocess

from development_environment import FILE

from multi_tenant_db.development.folders import PROJECT


def engine_answers() -> bool:
    """Tell whether Docker and its compose plugin are usable; MTDB_NO_DOCKER=1 says they are not."""
    if os.environ.get("MTDB_NO_DOCKER", "") not in {"", "0"}:
        return False
    try:
        return all(
            subprocess.run(command, capture_output=True, timeout=5, check=False).returncode == 0
            for command in (["docker", "compose", "version"], ["docker", "info"])
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def compose(*arguments: str) -> bool:
    """Run docker compose on this project with the development passwords; tell whether it succeeded."""
    command = ["docker", "compose", "--env-file", str(FILE), *arguments]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode == 0
