"""The file .local/development.env: the development database's address and generated passwords."""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from multi_tenant_db.development.folders import LOCAL

FILE = LOCAL / "development.env"
PASSWORDS = ("MTDB_API_PASSWORD", "MTDB_OPERATOR_PASSWORD", "POSTGRES_PASSWORD")


def read_environment() -> dict[str, str]:
    """Return the file's variables, none without a file; exit with a message if it is damaged."""
    if not FILE.exists():
        return {}
    found = {}
    for number, line in enumerate(FILE.read_text(errors="replace").splitlines(), start=1):
        name, equals, value = line.partition("=")
        if line.startswith("#") or not line:
            continue
        if not equals or not name.isidentifier():
            sys.exit(
                f"error: line {number} of {FILE} is damaged. It contains the passwords of the development data: repair "
                "it, or move it away and run `make reset`, which creates new data."
            )
        found[name] = value
    return found


def write_environment(stack: str, urls: Mapping[str, str], port: int) -> bool:
    """Write the file, with the servers' URLs by variable, and keep its passwords; return whether anything changed."""
    before = read_environment()
    after = {
        "STACK": stack,
        **urls,
        "MTDB_PORT": str(port),
        "MTDB_LOG_FORMAT": "text",
        **{name: before.get(name) or secrets.token_urlsafe(24) for name in PASSWORDS},
    }
    lines = "".join(f"{name}={value}\n" for name, value in after.items())
    _replace(FILE, f"# Written by `make up` for this checkout only; `make reset` writes a new one.\n{lines}")
    return after != before


def _replace(file: Path, content: str) -> None:
    """Write a file atomically, always readable only by its owner."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(content)
    unfinished.rename(file)
