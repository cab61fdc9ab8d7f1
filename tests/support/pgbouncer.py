"""A real PgBouncer in transaction mode, between the service and PostgreSQL."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multi_tenant_db.development.ports import free_port
from multi_tenant_db.development.server_account import ServerAccount
from tests.support.programs import find_program
from tests.support.test_database import API_PASSWORD, TestDatabase

START_SECONDS = 10
KEEPS_PREPARED_STATEMENTS = (1, 21)
"""From this version on, prepared statements are carried over from one server connection to the next, if set so."""

CONFIGURATION = """
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
{prepared_statements}
default_pool_size = {pool_size}
max_client_conn = 200
query_wait_timeout = 20
"""


PROGRAM = find_program("pgbouncer")


def pgbouncer_version() -> tuple[int, int]:
    """Return the version that the program says it has; one that is new enough where there is none."""
    if PROGRAM is None:
        return KEEPS_PREPARED_STATEMENTS
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"(\d+)\.(\d+)", said)
    assert version is not None, said
    return int(version[1]), int(version[2])


@contextmanager
def pgbouncer(database: TestDatabase, *, pool_size: int) -> Iterator[int]:
    """Run it with so many server connections, as an account without rights where we are root; give its port."""
    assert PROGRAM is not None
    account = ServerAccount.choose()
    folder = Path(tempfile.mkdtemp(prefix="multi-tenant-db-pgbouncer-"))
    port = free_port()
    users, configuration, log = (folder / name for name in ("users.txt", "pgbouncer.ini", "pgbouncer.log"))
    users.write_text(f'"tenancy_api" "{API_PASSWORD}"\n')
    url = database.admin_url
    configuration.write_text(
        CONFIGURATION.format(
            host=url.host,
            server_port=url.port,
            port=port,
            users=users,
            pool_size=pool_size,
            # The older ones know no such setting.
            prepared_statements="max_prepared_statements = 200"
            if pgbouncer_version() >= KEEPS_PREPARED_STATEMENTS
            else "",
        )
    )
    for path in (folder, users, configuration):
        account.own(path)
    as_account = {"user": account.user_id, "group": account.group_id, "extra_groups": []} if os.geteuid() == 0 else {}
    with log.open("wb") as output:
        process = subprocess.Popen(  # type: ignore[call-overload]  # unpacked options have no overload
            [PROGRAM, str(configuration)], stdout=output, stderr=subprocess.STDOUT, cwd="/", **as_account
        )
    try:
        _wait_until_open(port, process, log)
        yield port
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"PgBouncer did not start:\n{log.read_text(errors='replace')}")
