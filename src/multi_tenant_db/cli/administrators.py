"""Commands that connect as an administrator: the URLs, and how failures are told."""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Never

import asyncpg
import typer
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.moving.administration import connect
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.server_label import url_variable
from multi_tenant_db.settings import Settings

ENDED_SESSIONS = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)
CONNECTION_FAILURES = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
FAILURES = (MoveError, RecordsError, asyncpg.PostgresError, *CONNECTION_FAILURES)


def run_as_administrator[Result](
    work: Coroutine[Any, Any, Result], afterwards: str, *, if_lost: str | None = None
) -> Result:
    """Run the command's work. A failure is told in one line, which says what holds `afterwards`, and ends it.

    `if_lost` is said instead if a connection breaks, when it is not known whether the last transaction is committed.
    """
    try:
        return asyncio.run(work)
    except FAILURES as error:
        end_with(error, afterwards, if_lost=if_lost)


def end_with(error: Exception, afterwards: str, *, if_lost: str | None = None) -> Never:
    """End the command with the line of `run_as_administrator`."""
    if isinstance(error, MoveError | RecordsError):
        refuse(str(error), ExitCode.FAILED)
    if isinstance(error, asyncpg.PostgresError):
        holds = if_lost if if_lost and isinstance(error, ENDED_SESSIONS) else afterwards
        refuse(f"a server refused ({first_line(error)}): {holds}", ExitCode.FAILED)
    if (name := getattr(error, "filename", None)) is not None:
        refuse(f"{name}: {getattr(error, 'strerror', error)}: {afterwards}", ExitCode.FAILED)
    refuse(f"a server cannot be reached ({first_line(error)}): {if_lost or afterwards}", ExitCode.NO_DATABASE)


def administrators_url(settings: Settings, label: str) -> URL:
    """Return the URL of a server with its credentials, from its settings; exits if it has none."""
    url = read_database_url(str(settings.database_url))
    if url.username is None:
        refuse(f"{url_variable(label)} must name an administrator here: postgresql://user:password@host:port/name")
    return url


@asynccontextmanager
async def connected(url: URL, label: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a superuser's session, with its settings; exits if the server cannot be reached."""
    try:
        connection = await connect(url, label)
    except (asyncpg.PostgresError, *CONNECTION_FAILURES) as error:
        refuse(f"the server {label} cannot be reached ({first_line(error)}): check its URL", ExitCode.NO_DATABASE)
    try:
        yield connection
    finally:
        await connection.close()


def first_line(error: Exception) -> str:
    """Return the reason, without the details that a server adds: they may hold values of rows."""
    return str(error).partition("\n")[0] or type(error).__name__


def refuse(message: str, code: ExitCode = ExitCode.USAGE) -> Never:
    """End the command with a line on stderr."""
    print(f"mtdb: {printable(message)}", file=sys.stderr)  # noqa: T201 - standard error is where scripts look
    raise typer.Exit(code)
