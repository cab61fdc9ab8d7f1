"""The embedded servers of `make up`, by label: the first at POSTGRES_PORT, further ones at ports of their own."""

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from urllib.parse import urlsplit

from development_environment import read_environment

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.development.ports import is_taken
from multi_tenant_db.development.standby import standby_label
from multi_tenant_db.server_label import DEFAULT_SERVER, url_variable

LABELS = (DEFAULT_SERVER, "b", "c", "d")
DATABASE = "tenancy"
ELSEWHERE = (
    "error: SERVERS={given} starts embedded servers. Without Docker: `MTDB_NO_DOCKER=1 make up SERVERS={given}`. "
    "For servers of your own, set MTDB_SERVERS__B beside MTDB_DATABASE_URL."
)


def given_servers() -> int | None:
    """Return the number of servers in SERVERS, None if it is unset; exit with a message if it is invalid."""
    given = os.environ.get("SERVERS")
    if not given:
        return None
    if given not in {str(number) for number in range(1, len(LABELS) + 1)}:
        sys.exit(f"error: SERVERS={given}: choose a number from 1 to {len(LABELS)}.")
    return int(given)


def servers_with_data() -> int:
    """Return how many servers earlier runs have made, 1 before the first."""
    made = [EmbeddedPostgres.for_development(label).data.exists() for label in LABELS]
    return max((number for number, is_made in enumerate(made, start=1) if is_made), default=1)


def chosen_labels() -> tuple[str, ...]:
    """Return the labels of the servers to run: as many as SERVERS says, by default those that have data.

    Exits with a message if SERVERS would leave out a server with data.
    """
    made = servers_with_data()
    number = given_servers() or made
    if number < made:
        sys.exit(
            f"error: organisations live on {made} servers: `make up` starts all, and `make reset SERVERS={number}` "
            "deletes the data of all and starts again."
        )
    return LABELS[:number]


def refuse_servers() -> None:
    """Exit with a message if SERVERS asks for several and the servers are not embedded ones."""
    if (given := given_servers() or 1) > 1:
        sys.exit(ELSEWHERE.format(given=given))


def start_servers(labels: Sequence[str], port: int, undo: ExitStack) -> dict[str, str]:
    """Start the servers, the first at the port; return their URLs, without a user, by the variable that names them."""
    urls = {}
    for label in labels:
        server = EmbeddedPostgres.for_development(label, port=port if label == DEFAULT_SERVER else _earlier_port(label))
        if not server.pid:
            undo.callback(server.stop)
        server.start()
        name = f" (server {label})" if len(labels) > 1 else ""
        print(f"PostgreSQL {server.release}: running on port {server.port}{name}", flush=True)
        urls[url_variable(label)] = f"postgresql://127.0.0.1:{server.port}/{DATABASE}"
    return urls


def stop_servers() -> None:
    """Stop all servers and their standbys; the data is kept."""
    for label in (*map(standby_label, LABELS), *LABELS):
        EmbeddedPostgres.for_development(label).stop()


def delete_servers() -> None:
    """Delete the data of all servers and their standbys, which are stopped."""
    for label in (*map(standby_label, LABELS), *LABELS):
        shutil.rmtree(EmbeddedPostgres.for_development(label).folder, ignore_errors=True)


def administrators() -> dict[str, str]:
    """Return the administrators' URLs of the servers that the environment file names, by variable."""
    file = read_environment()
    return {
        variable: EmbeddedPostgres.for_development(label, port=urlsplit(file[variable]).port).url(DATABASE)
        for label in LABELS
        if (variable := url_variable(label)) in file
    }


def _earlier_port(label: str) -> int | None:
    """Return the port of the last start, None if the server runs, is new, or another program has taken the port."""
    url = read_environment().get(url_variable(label))
    port = urlsplit(url).port if url else None
    runs = EmbeddedPostgres.for_development(label).pid
    return None if runs or port is None or is_taken(port) else port
