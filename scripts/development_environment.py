"""The file .local/development.env: where the development database is, and passwords made for it alone."""

import secrets
from pathlib import Path

from multi_tenant_db.development.folders import LOCAL

FILE = LOCAL / "development.env"
PASSWORDS = ("MTDB_API_PASSWORD", "MTDB_OPERATOR_PASSWORD", "POSTGRES_PASSWORD")


def read_environment() -> dict[str, str]:
    """Give the file's variables, none where there is no file."""
    if not FILE.exists():
        return {}
    return dict(line.split("=", 1) for line in FILE.read_text().splitlines() if line and not line.startswith("#"))


def write_environment(stack: str, database_url: str, port: int) -> bool:
    """Write the file, keeping the passwords it has; tell whether anything in it changed."""
    before = read_environment()
    after = {
        "STACK": stack,
        "MTDB_DATABASE_URL": database_url,
        "MTDB_PORT": str(port),
        "MTDB_LOG_FORMAT": "text",
        **{name: before.get(name) or secrets.token_urlsafe(24) for name in PASSWORDS},
    }
    lines = "".join(f"{name}={value}\n" for name, value in after.items())
    _replace(FILE, f"# Written by `make up` for this checkout alone; `make reset` makes a new one.\n{lines}")
    return after != before


def _replace(file: Path, content: str) -> None:
    """Write a file that only its owner can read at any moment, whole or not at all."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(content)
    unfinished.rename(file)
