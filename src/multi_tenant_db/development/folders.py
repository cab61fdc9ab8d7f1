"""Where the embedded PostgreSQL keeps its binaries and data."""

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
"""What the project makes for itself on this machine; ignored by git, safe to delete. Without a checkout, the user's."""

UNFIT = frozenset('$"`\\\n')
"""Characters of a path that PostgreSQL's initdb hands to a shell without more ado."""

OUTSIDE = Path("/var/tmp")  # noqa: S108 - survives a restart, and nobody can take from us what we made there
"""Where the server lives if it cannot live in the project."""


def postgres_home(account: ServerAccount) -> Path:
    """Give the folder below which binaries and data lie, created if absent.

    In the project, unless the account that runs the server cannot enter it (root's checkout in root's home, say), or
    its path is none that initdb can bear. Then a folder of our own outside, named after the checkout, so that two
    checkouts never share a server.
    """
    home = LOCAL / "postgres"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{home} cannot be made ({error.strerror}): set XDG_DATA_HOME to a folder that you may write to."
        ) from error
    if account.can_enter(home) and not UNFIT & set(str(home)):
        return home
    outside = OUTSIDE / f"multi-tenant-db-{hashlib.sha256(bytes(PROJECT)).hexdigest()[:12]}"
    try:
        outside.mkdir(mode=0o755)
        outside.chmod(0o755)
    except FileExistsError:
        _refuse_a_folder_of_others(outside)
    return outside


def _refuse_a_folder_of_others(folder: Path) -> None:
    """Anybody may create names in /var/tmp, so trust only a real folder that is ours and writable by us alone."""
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise EmbeddedPostgresError(f"{folder} was made by somebody else: remove it and run again.")
