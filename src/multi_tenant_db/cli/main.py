"""`mtdb`, the operator's command line."""

import os
import signal
import sys

if os.getpid() == 1:
    # In a container: the kernel ignores a signal without a handler for process 1, and `docker stop` would wait.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

import typer

from multi_tenant_db import __version__
from multi_tenant_db.cli.lazy_group import LazyGroup

app = typer.Typer(
    cls=LazyGroup,
    help="Multi-Tenant Database. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or setting, 3 no database.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def show_version(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """Handle the options that belong to no command."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command. An operator's mistake ends in one line and an exit code, not in a traceback."""
    try:
        app()
    except Exception as error:
        from multi_tenant_db.cli.failure_messages import report_failure  # noqa: PLC0415 - needed only after a failure

        code = report_failure(error)
        if code is None:
            raise
        sys.exit(code)
