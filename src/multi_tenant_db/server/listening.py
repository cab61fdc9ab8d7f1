"""Addresses that a command listens on."""

import os
import socket
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
        # Of a failed bind, the library's own text tells the address once more.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        typer.echo(f"mtdb: cannot listen on {host}:{port} ({reason}): set {prefix}_HOST or {prefix}_PORT", err=True)
        raise typer.Exit(ExitCode.FAILED) from error


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address, whose workers share the socket; `::` takes IPv4, too. Raises OSError."""
    if ":" not in host:
        return socket.create_server((host, port))
    return socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=host == "::")
