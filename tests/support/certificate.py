"""A certificate for a server of the tests'."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multi_tenant_db.development.server_account import ServerAccount

NEW_KEY = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"


@contextmanager
def certificate_for_localhost() -> Iterator[tuple[Path, Path]]:
    """Make a certificate, signed by itself, and its key, which PostgreSQL's account may read."""
    account = ServerAccount.choose()
    with tempfile.TemporaryDirectory(prefix="multi-tenant-db-tls-") as folder:
        certificate, key = Path(folder) / "server.pem", Path(folder) / "server.key"
        names = ("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate))
        subprocess.run(["openssl", *NEW_KEY.split(), *names], check=True, capture_output=True)
        Path(folder).chmod(0o755)
        account.own(key)
        yield certificate, key
