"""The service and its peers, with the function that starts each."""

import sys
from pathlib import Path

from benchmarks.data.database import PASSWORD, PLAIN_PASSWORD, Database
from benchmarks.peers import node
from benchmarks.peers.graphql_dialect import GraphqlDialect
from benchmarks.peers.peer import Peer
from benchmarks.peers.rest_dialect import plain_dialect, service_dialect
from benchmarks.running_process import RunningProcess
from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.ports import free_port

PROGRAMS = Path(sys.executable).parent
POSTGRAPHILE, POSTGRAPHILE_5 = LOCAL / "postgraphile", LOCAL / "postgraphile-5"
SOURCE = Path(__file__).parent
LEAST_NODE = 22
"""PostGraphile 5 needs it; both versions run on the same one."""


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


def start_ceiling_in_one_message(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run it with reads in one message, as the service sends them."""
    more = {"BENCH_READS_IN_ONE_MESSAGE": "1"}
    return _uvicorn("benchmarks.peers.ceiling.main:app", database, workers, pool_size, more)


def start_postgraphile(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run version 4 with node."""
    return _node_server(POSTGRAPHILE, database, workers, pool_size)


def start_postgraphile_5(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run version 5 with node."""
    return _node_server(POSTGRAPHILE_5, database, workers, pool_size)


def start_rowstile(database: Database, workers: int, pool_size: int) -> RunningProcess:
    """Run it with uvicorn, on its own table."""
    more = {"BENCH_DATABASE_URL": database.url("plain_rowstile", PLAIN_PASSWORD)}
    return _uvicorn("benchmarks.peers.rowstile.main:app", database, workers, pool_size, more)


def install(peer: Peer) -> str | None:
    """Install what a peer needs beyond the bench's environment; return the reason if that fails, otherwise None."""
    if peer is POSTGRAPHILE_PEER:
        return node.install(SOURCE / "postgraphile", POSTGRAPHILE, LEAST_NODE)
    if peer is POSTGRAPHILE_5_PEER:
        return node.install(SOURCE / "postgraphile_5", POSTGRAPHILE_5, LEAST_NODE)
    return None


def _uvicorn(
    application: str, database: Database, workers: int, pool_size: int, more: dict[str, str] | None = None
) -> RunningProcess:
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
    environment = _environment(database, pool_size) | {"PYTHONPATH": str(PROJECT)} | (more or {})
    return RunningProcess(command, environment, port, "/tenants/")


def _environment(database: Database, pool_size: int) -> dict[str, str]:
    return {"BENCH_DATABASE_URL": database.url("plain_api", PLAIN_PASSWORD), "BENCH_POOL_SIZE": str(pool_size)}


def _node_server(folder: Path, database: Database, workers: int, pool_size: int) -> RunningProcess:
    port = free_port()
    environment = _environment(database, pool_size) | {
        "BENCH_PORT": str(port),
        "BENCH_WORKERS": str(workers),
        "NODE_ENV": "production",
    }
    return RunningProcess([node.node(LEAST_NODE), folder / "server.js"], environment, port, "/")


SERVICE = Peer("service", "tenancy.tenants", service_dialect(), start_service)
TEXTBOOK = Peer("textbook", "plain.tenants", plain_dialect(), start_textbook)
CEILING = Peer("ceiling", "plain.tenants", plain_dialect(), start_ceiling)
CEILING_IN_ONE_MESSAGE = Peer("ceiling in one message", "plain.tenants", plain_dialect(), start_ceiling_in_one_message)
POSTGRAPHILE_PEER = Peer("postgraphile", "plain.tenants", GraphqlDialect("SUBSIDIARY"), start_postgraphile)
POSTGRAPHILE_5_PEER = Peer("postgraphile 5", "plain.tenants", GraphqlDialect("subsidiary"), start_postgraphile_5)
ROWSTILE = Peer("rowstile", "governed.tenants", plain_dialect(), start_rowstile)
PEERS = (SERVICE, TEXTBOOK, ROWSTILE, CEILING, CEILING_IN_ONE_MESSAGE, POSTGRAPHILE_PEER, POSTGRAPHILE_5_PEER)
