"""`mtdb`: everything an operator does with the service."""

import sys

import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from multi_tenant_db import __version__
from multi_tenant_db.cli import postgres, token
from multi_tenant_db.cli.audit import audit
from multi_tenant_db.cli.check import check
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.migrate import migrate
from multi_tenant_db.cli.seed import seed
from multi_tenant_db.cli.serve import serve
from multi_tenant_db.database.failures import sqlstate
from multi_tenant_db.database.unsafe_database_error import UnsafeDatabaseError
from multi_tenant_db.errors import ApplicationError, DatabaseUnavailable

REFUSED_STATES = frozenset({"3F000", "42501", "42703", "42883", "42P01"})
"""A schema, column, function or table that is not there, or no right to it: not migrated, or the wrong user."""

app = typer.Typer(
    help="Multi-Tenant Database. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or setting, 3 no database.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(migrate)
app.command()(seed)
app.command()(check)
app.command()(audit)
app.add_typer(token.app, name="token")
app.add_typer(postgres.app, name="postgres")


@app.callback(invoke_without_command=True)
def show_version(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """Handle what belongs to no command."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command; an operator's mistake ends in one line and an exit code, never in a traceback."""
    try:
        app()
    except UnsafeDatabaseError as error:
        for danger in error.dangers:
            _complain(str(danger))
        sys.exit(ExitCode.FAILED)
    except DatabaseUnavailable as error:
        reason = _first_line(error.__cause__ or error)
        _complain(f"the database cannot be reached ({reason}): check MTDB_DATABASE_URL, or run `make up`")
        sys.exit(ExitCode.NO_DATABASE)
    except DBAPIError as error:
        if error.statement is None and sqlstate(error) is None:
            _complain(f"the connection to the database cannot be made ({_first_line(error)})")
            sys.exit(ExitCode.NO_DATABASE)
        if sqlstate(error) not in REFUSED_STATES:
            raise
        _complain(
            f"the database refused ({_first_line(error)}): is its schema current (`mtdb migrate`), "
            "and MTDB_DATABASE_URL without a user or with the right one?"
        )
        sys.exit(ExitCode.FAILED)
    except ApplicationError as error:
        _complain(str(error))
        sys.exit(ExitCode.FAILED)
    except ValidationError as error:
        for mistake in error.errors():
            name = "_".join(str(step) for step in mistake["loc"]).upper()
            _complain(f"MTDB_{name}: {mistake['msg']}; `make up` sets it for development")
        sys.exit(ExitCode.USAGE)


def _first_line(error: BaseException) -> str:
    if isinstance(error, DBAPIError) and error.orig:
        error = error.orig.__cause__ or error.orig
    return str(error).partition("\n")[0] or type(error).__name__


def _complain(message: str) -> None:
    print(f"mtdb: {message}", file=sys.stderr)  # noqa: T201 - standard error is where scripts look
