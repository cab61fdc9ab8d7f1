"""Folders of the embedded PostgreSQL."""

import hashlib
import os
import stat
from pathlib import Path

from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.server_account import ServerAccount

PROJECT = Path(__file__).resolve().parents[3]
IS_CHECKOUT = (PROJECT / "pyproject.toml").exists()
LOCAL = (
    PROJECT / ".local"
    if IS_CHECKOUT
    else Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "multi-tenant-db"
)
"""The project's local files: ignored by git, safe to delete. Without a checkout, a folder of the user."""

UNSAFE = frozenset('$"`\\\n')
"""Characters of a path that PostgreSQL's initdb passes to a shell unquoted."""

OUTSIDE = Path("/var/tmp")  # noqa: S108 - survives a restart; its sticky bit protects the folder
"""Parent of the server's folder if it cannot be in the project."""


def postgres_home(account: ServerAccount) -> Path:
    """Return the folder of binaries and data; create it if absent.

    It is in the project, unless the account that runs the server cannot enter it (as root's checkout in root's home)
    or initdb does not support its path. Then it is a folder in OUTSIDE, named after the checkout, so that two
    checkouts never share a server.
    """
    home = LOCAL / "postgres"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{home} cannot be created ({error.strerror}): set XDG_DATA_HOME to a writable folder."
        ) from error
    if account.can_enter(home) and not UNSAFE & set(str(home)):
        return home
    outside = OUTSIDE / f"multi-tenant-db-{hashlib.sha256(bytes(PROJECT)).hexdigest()[:12]}"
    try:
        outside.mkdir(mode=0o755)
        outside.chmod(0o755)
    except FileExistsError:
        _require_own_folder(outside)
    return outside


def _require_own_folder(folder: Path) -> None:
    """Refuse a link, or a folder that another user owns or may write to: every user may create names in /var/tmp."""
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise EmbeddedPostgresError(f"{folder} is not a private folder of this user: remove it and run again.")
