"""Addresses that a command listens on."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from multi_tenant_db.cli.exit_code import ExitCode


@contextmanager
def complain_about_address(prefix: str, host: str, port: int) -> Iterator[None]:
    """Say in one line that an address cannot be listened on, and not with the exit code of a missing database."""
    try:
        yield
    except OSError as error:
        where = f"{host}:{port}"
        typer.echo(f"mtdb: cannot listen on {where} ({error}): set {prefix}_HOST or {prefix}_PORT", err=True)
        raise typer.Exit(ExitCode.FAILED) from error
