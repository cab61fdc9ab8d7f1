"""The operating system account that runs the server."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError


@dataclass(frozen=True)
class ServerAccount:
    """Runs PostgreSQL's programs: as the calling user, or, since PostgreSQL refuses root, as an unprivileged one."""

    user_id: int
    group_id: int
    name: str

    @classmethod
    def choose(cls) -> "ServerAccount":
        """Return the calling user; for root, `postgres` if it exists, otherwise `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), "you")
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid, name)
        raise EmbeddedPostgresError("PostgreSQL refuses to run as root, and there is no user `nobody`: run as a user.")

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program as this account; of the caller's environment it gets only PATH."""
        return subprocess.run(
            [str(part) for part in command],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=self.user_id,
            group=self.group_id,
            extra_groups=[] if os.geteuid() == 0 else None,
        )

    def can_enter(self, folder: Path) -> bool:
        """Return whether this account can enter the folder and its parents, by trying it."""
        return self.run(shutil.which("test") or "/usr/bin/test", "-x", folder).returncode == 0

    def own(self, path: Path) -> None:
        """Change the owner of a file or folder to this account, without following a link."""
        os.chown(path, self.user_id, self.group_id, follow_symlinks=False)
