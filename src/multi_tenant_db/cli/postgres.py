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

DEFAULT_PORT = 54320

app = typer.Typer(help="PostgreSQL without Docker, for development.", no_args_is_help=True, add_completion=False)

Port = Annotated[
    int | None,
    typer.Option(
        envvar="POSTGRES_PORT",
        min=1,
        max=65535,
        help="Port to listen on; by default the port of `make up`, or 54320.",
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
def start(port: Port = None, release: Release = DEFAULT_RELEASE) -> None:
    """Start the server; the first start downloads PostgreSQL and creates the cluster."""
    with _one_line_errors():
        server = EmbeddedPostgres.for_development(port=port or _port_of_make_up(), release=release).start()
        typer.echo(f"PostgreSQL {server.release} is running on 127.0.0.1:{server.port}, process {server.pid}.")


def _port_of_make_up() -> int:
    """Return the port at which the API of `make up` expects this server."""
    file = LOCAL / "development.env"
    text = file.read_text(errors="replace") if file.exists() else ""
    match = re.search(r"^MTDB_DATABASE_URL=.*:(\d+)/", text, re.MULTILINE)
    return int(match[1]) if match else DEFAULT_PORT


@app.command()
def stop() -> None:
    """Stop the server and keep its data. Does nothing if it is already stopped."""
    with _one_line_errors():
        EmbeddedPostgres.for_development().stop()
        typer.echo("PostgreSQL is stopped.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show whether the server is running: exit code 0 if it is, 3 if it is not."""
    with _one_line_errors():
        server = EmbeddedPostgres.for_development()
        pid = server.pid
        if as_json:
            print_json({"running": pid is not None, "pid": pid, "folder": server.folder})
        elif pid:
            typer.echo(f"PostgreSQL is running as process {pid}, data and log in {server.folder}.")
        else:
            typer.echo("PostgreSQL is stopped.")
        if not pid:
            raise typer.Exit(ExitCode.NO_DATABASE)


@app.command()
def url(database: Annotated[str, typer.Argument(help="Name of the database.")] = "tenancy") -> None:
    """Print an administrator's URL, password included: for psql, or as MTDB_DATABASE_URL of `mtdb migrate`.

    Exit code 3 if the server is not running.
    """
    with _one_line_errors():
        server = EmbeddedPostgres.for_development()
        if not server.pid:
            typer.echo("mtdb: PostgreSQL is stopped: run `mtdb postgres start`", err=True)
            raise typer.Exit(ExitCode.NO_DATABASE)
        typer.echo(server.url(database))
