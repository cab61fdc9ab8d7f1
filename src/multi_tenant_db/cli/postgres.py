"""`mtdb postgres`: controls the embedded PostgreSQL of `make up`."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import DEFAULT_RELEASE, EmbeddedPostgres, EmbeddedPostgresError
from multi_tenant_db.development.folders import LOCAL
from multi_tenant_db.development.standby import standby_label, start_standby
from multi_tenant_db.server_label import DEFAULT_SERVER, SERVER_LABEL, url_variable

DEFAULT_PORT = 54320
STANDBY_PORT = 54330

app = typer.Typer(help="PostgreSQL without Docker, for development.", no_args_is_help=True, add_completion=False)


def _require_label(label: str) -> str:
    if not re.fullmatch(SERVER_LABEL, label):
        raise typer.BadParameter("a label is a letter, then letters or digits, 16 at most")
    return label


Port = Annotated[
    int | None,
    typer.Option(
        envvar="POSTGRES_PORT",
        min=1,
        max=65535,
        help="Port to listen on; by default the port of `make up`, or 54320.",
    ),
]
Server = Annotated[
    str,
    typer.Option(
        "--server", metavar="LABEL", callback=_require_label, help="A further server of `make up SERVERS=2`, such as b."
    ),
]
Release = Annotated[str, typer.Option(envvar="POSTGRES_VERSION", help="Release to run, for example 17.5.")]


@contextmanager
def _one_line_errors() -> Iterator[None]:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        yield
    except (EmbeddedPostgresError, OSError) as error:  # OSError: a folder without write permission, a full disk
        typer.echo(f"mtdb: {error}", err=True)
        raise typer.Exit(ExitCode.FAILED) from error


@app.command()
def start(
    context: typer.Context, server: Server = DEFAULT_SERVER, port: Port = None, release: Release = DEFAULT_RELEASE
) -> None:
    """Start the server; the first start downloads PostgreSQL and creates the cluster."""
    source = context.get_parameter_source("port")
    if server != DEFAULT_SERVER and source is not None and source.name == "ENVIRONMENT":
        port = None  # POSTGRES_PORT is the port of the first server
    with _one_line_errors():
        port = port or _port_of_make_up(server)
        started = EmbeddedPostgres.for_development(label=server, port=port, release=release).start()
        typer.echo(
            f"PostgreSQL {started.release}{_named(server)} is running on 127.0.0.1:{started.port}, "
            f"process {started.pid}."
        )


def _port_of_make_up(server: str) -> int | None:
    """Return the port at which the API of `make up` expects the server."""
    file = LOCAL / "development.env"
    text = file.read_text(errors="replace") if file.exists() else ""
    match = re.search(rf"^{url_variable(server)}=.*:(\d+)/", text, re.MULTILINE)
    if match:
        return int(match[1])
    return DEFAULT_PORT if server == DEFAULT_SERVER else None


def _named(server: str) -> str:
    """Return what follows `PostgreSQL` in a message: nothing for the server that is meant without --server."""
    return "" if server == DEFAULT_SERVER else f" (server {server})"


@app.command()
def standby(
    server: Server = DEFAULT_SERVER,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the standby.")] = STANDBY_PORT,
    release: Release = DEFAULT_RELEASE,
) -> None:
    """Start a standby of the running server, from a copy of its data; replaces an earlier one.

    The server is stopped for the copy. The standby is a server of its own: stop it with --server standby.
    """
    with _one_line_errors():
        running = EmbeddedPostgres.for_development(label=server)
        primary_port = running.port if running.pid else None
        primary = EmbeddedPostgres.for_development(label=server, port=primary_port, release=release)
        started = EmbeddedPostgres.for_development(label=standby_label(server), port=port, release=release)
        start_standby(primary, started)
        typer.echo(
            f"A standby of PostgreSQL{_named(server)} is running on 127.0.0.1:{started.port}, process {started.pid}."
        )


@app.command()
def stop(server: Server = DEFAULT_SERVER) -> None:
    """Stop the server and keep its data. Does nothing if it is already stopped."""
    with _one_line_errors():
        EmbeddedPostgres.for_development(label=server).stop()
        typer.echo(f"PostgreSQL{_named(server)} is stopped.")


@app.command()
def status(server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Show whether the server is running: exit code 0 if it is, 3 if it is not."""
    with _one_line_errors():
        cluster = EmbeddedPostgres.for_development(label=server)
        pid = cluster.pid
        if as_json:
            print_json({"running": pid is not None, "pid": pid, "folder": cluster.folder})
        elif pid:
            typer.echo(f"PostgreSQL{_named(server)} is running as process {pid}, data and log in {cluster.folder}.")
        else:
            typer.echo(f"PostgreSQL{_named(server)} is stopped.")
        if not pid:
            raise typer.Exit(ExitCode.NO_DATABASE)


@app.command()
def url(
    database: Annotated[str, typer.Argument(help="Name of the database.")] = "tenancy", server: Server = DEFAULT_SERVER
) -> None:
    """Print an administrator's URL, password included: for psql, or as MTDB_DATABASE_URL of `mtdb migrate`.

    Exit code 3 if the server is not running.
    """
    with _one_line_errors():
        cluster = EmbeddedPostgres.for_development(label=server)
        if not cluster.pid:
            option = "" if server == DEFAULT_SERVER else f" --server {server}"
            typer.echo(f"mtdb: PostgreSQL{_named(server)} is stopped: run `mtdb postgres start{option}`", err=True)
            raise typer.Exit(ExitCode.NO_DATABASE)
        typer.echo(cluster.url(database))
