"""The service and its peers, with the function that starts each."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.data.database import PASSWORD, PLAIN_PASSWORD, Database
from benchmarks.peers.graphql_dialect import GraphqlDialect
from benchmarks.peers.peer import Peer
from benchmarks.peers.rest_dialect import plain_dialect, service_dialect
from benchmarks.running_process import RunningProcess
from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.npm import npm_command
from multi_tenant_db.development.ports import free_port

PROGRAMS = Path(sys.executable).parent
POSTGRAPHILE = LOCAL / "postgraphile"
SOURCE = Path(__file__).parent / "postgraphile"


def start_service(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run `mtdb serve` as in production, but without a request log, which the peers do not have."""
    port = free_port()
    environment = {
        "MTDB_DATABASE_URL": database.url("tenancy_api", PASSWORD),
        "MTDB_PORT": str(port),
        "MTDB_WORKERS": str(workers),
        "MTDB_POOL_SIZE": str(pool_size),
        "MTDB_LOG_LEVEL": "warning",
    }
    return RunningProcess([PROGRAMS / "mtdb", "serve"], environment, port, "/health")


def start_textbook(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run it with uvicorn."""
    return _uvicorn("benchmarks.peers.textbook.main:app", database, workers, pool_size)


def start_ceiling(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run it with uvicorn."""
    return _uvicorn("benchmarks.peers.ceiling.main:app", database, workers, pool_size)


def start_postgraphile(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run it with node."""
    port = free_port()
    environment = _environment(database, pool_size) | {
        "BENCH_PORT": str(port),
        "BENCH_WORKERS": str(workers),
        "NODE_ENV": "production",
    }
    return RunningProcess([_node(npm_command()), POSTGRAPHILE / "server.js"], environment, port, "/")


def install_postgraphile() -> str | None:
    """Install PostGraphile as locked, from npm's registry; return the reason if that fails, otherwise None."""
    POSTGRAPHILE.mkdir(parents=True, exist_ok=True)
    lock = "package-lock.json"
    installed = POSTGRAPHILE / "node_modules" / ".installed"
    for name in ("package.json", lock, ".npmrc", "server.js"):
        shutil.copy(SOURCE / name, POSTGRAPHILE)
    if installed.exists() and installed.read_bytes() == (SOURCE / lock).read_bytes():
        return None
    try:
        npm = npm_command()
    except EmbeddedPostgresError as error:
        return str(error)
    environment = os.environ | {"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=POSTGRAPHILE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"npm could not install it: {done.stderr.strip()[-500:]}"
    shutil.copy(SOURCE / lock, installed)
    return None


def _uvicorn(application: str, database: Database, workers: int, pool_size: int) -> RunningProcess:
    port = free_port()
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "uvicorn",
        application,
        "--port",
        str(port),
        "--workers",
        str(workers),
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    environment = _environment(database, pool_size) | {"PYTHONPATH": str(PROJECT)}
    return RunningProcess(command, environment, port, "/tenants/")


def _environment(database: Database, pool_size: int) -> dict[str, str]:
    return {"BENCH_DATABASE_URL": database.url("plain_api", PLAIN_PASSWORD), "BENCH_POOL_SIZE": str(pool_size)}


def _node(npm: list[str]) -> str:
    """Return the node of an npm: the local npm's command begins with it, another npm's is on PATH."""
    return npm[0] if len(npm) > 1 else shutil.which("node") or "node"


SERVICE = Peer("service", "tenancy.tenants", service_dialect(), start_service)
TEXTBOOK = Peer("textbook", "plain.tenants", plain_dialect(), start_textbook)
CEILING = Peer("ceiling", "plain.tenants", plain_dialect(), start_ceiling)
POSTGRAPHILE_PEER = Peer("postgraphile", "plain.tenants", GraphqlDialect(), start_postgraphile)
PEERS = (SERVICE, TEXTBOOK, CEILING, POSTGRAPHILE_PEER)
