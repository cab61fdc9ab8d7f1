"""How the command line reports a failure: one line with a remedy."""

import os
from errno import ENOSPC
from pathlib import Path

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database.engine import OPERATOR_ROLE, SERVICE_ROLE
from multi_tenant_db.database.failures import sqlstate
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.errors import ApplicationError, DatabaseUnavailable
from multi_tenant_db.lint.unsafe_database_error import UnsafeDatabaseError
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.server.address_error import AddressError
from multi_tenant_db.server.factory_error import FactoryError
from multi_tenant_db.server_label import DEFAULT_SERVER, url_variable
from multi_tenant_db.settings import DEVELOPMENT_ENVIRONMENT_FILE, Settings

REFUSED_STATES = frozenset({"3F000", "42501", "42703", "42883", "42P01"})
"""A schema, column, function or table is missing, or the user lacks the privilege: not migrated, or the wrong user."""

REFUSED_PARAMETER_STATES = frozenset({"22023", "42601", "42704", "55P02"})
"""Connection errors: the URL has an unknown parameter, an invalid value, or a parameter the user may not set."""

DAMAGED_FILE = (
    f"{DEVELOPMENT_ENVIRONMENT_FILE} is not UTF-8 text: repair it, or move it away and run "
    "`make reset`, which starts over with new data"
)

REFUSED_PASSWORD_STATE = "28P01"  # noqa: S105 - a SQLSTATE
REFUSED_PARAMETER = "{variable}: the server rejects a parameter ({reason})"
CHECK_CREDENTIALS = "check user and password in {variable}"
PASSWORDS = {SERVICE_ROLE: "MTDB_API_PASSWORD", OPERATOR_ROLE: "MTDB_OPERATOR_PASSWORD"}


def report_failure(error: Exception, server: str = DEFAULT_SERVER, *, named: bool = False) -> ExitCode | None:
    """Print the reason on stderr and return the exit code; None for a defect, which keeps its traceback.

    The remedy is about the setting of the server. With `named`, the line begins with its label.
    """
    code: ExitCode | None = None
    variable = url_variable(server)
    lines: list[str] = []
    match error:
        case UnsafeDatabaseError():
            code, lines = ExitCode.FAILED, error.lines
        case DatabaseUnavailable():
            cause = _innermost(error.__cause__ or error)
            code, lines = (
                ExitCode.NO_DATABASE,
                [f"the database cannot be reached ({_first_line(cause)}): {_advice(cause, server)}"],
            )
            if getattr(cause, "sqlstate", None) in REFUSED_PARAMETER_STATES:  # SQLAlchemy 2.0 wraps nothing here
                code, lines = ExitCode.USAGE, [REFUSED_PARAMETER.format(variable=variable, reason=_first_line(cause))]
        case DBAPIError():
            code, lines = _rejection(error, variable)
        case ApplicationError() | AddressError() | FactoryError():
            code = ExitCode.USAGE if isinstance(error, FactoryError) else ExitCode.FAILED
            lines = [str(error)]
        case ValidationError():
            code, lines = ExitCode.USAGE, [_invalid_setting(mistake) for mistake in error.errors()]
        case UnicodeDecodeError() if _is_not_text(DEVELOPMENT_ENVIRONMENT_FILE):
            code, lines = ExitCode.USAGE, [DAMAGED_FILE]
        case OSError() if error.errno == ENOSPC:
            code, lines = ExitCode.FAILED, ["standard output cannot be written: no space left on device"]
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python's flush at exit would fail, too
    for line in lines:
        typer.echo(f"mtdb: {f'server {server}: ' if named else ''}{printable(line)}", err=True)
    return code


def _rejection(error: DBAPIError, variable: str) -> tuple[ExitCode | None, list[str]]:
    state, reason = sqlstate(error), _first_line(error)
    if error.statement is None and state is None:
        return ExitCode.NO_DATABASE, [f"the connection to the database cannot be made ({reason})"]
    if error.statement is None and state in REFUSED_PARAMETER_STATES:
        return ExitCode.USAGE, [REFUSED_PARAMETER.format(variable=variable, reason=reason)]
    if state in REFUSED_STATES:
        advice = f"is its schema current (`mtdb migrate`), and {variable} without a user or with the right one?"
        return ExitCode.FAILED, [f"the database refused ({reason}): {advice}"]
    return None, []


def _invalid_setting(mistake: ErrorDetails) -> str:
    said = mistake["msg"].removeprefix("Value error, ")
    if not mistake["loc"]:  # of several settings, which the message names
        return said
    name = "__".join(str(step) for step in mistake["loc"]).upper()
    hint = "; `make up` sets it for development" if mistake["type"] == "missing" and _in_a_checkout() else ""
    return f"MTDB_{name}: {said}{hint}"


def _advice(cause: BaseException, server: str) -> str:
    """Name the setting to correct. The server's message may be in any language, but contains the role's name."""
    if getattr(cause, "sqlstate", None) == REFUSED_PASSWORD_STATE:
        credentials = CHECK_CREDENTIALS.format(variable=url_variable(server))
        if read_database_url(str(Settings().of_server(server).database_url)).username is not None:
            return credentials
        return next((f"check {name}" for role, name in PASSWORDS.items() if role in str(cause)), credentials)
    return f"check {url_variable(server)}" + (", or run `make up`" if _in_a_checkout() else "")


def _is_not_text(file: str) -> bool:
    """Distinguish a damaged settings file from a defect that raises the same exception."""
    try:
        Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return True
    except OSError:
        return False
    return False


def _in_a_checkout() -> bool:
    return Path("scripts/development.py").exists()


def _innermost(error: BaseException) -> BaseException:
    return error.orig.__cause__ or error.orig if isinstance(error, DBAPIError) and error.orig else error


def _first_line(error: BaseException) -> str:
    error = _innermost(error)
    return str(error).partition("\n")[0] or type(error).__name__
