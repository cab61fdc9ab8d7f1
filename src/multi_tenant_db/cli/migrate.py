"""`mtdb migrate`."""

import asyncio
import sys
from typing import Annotated, Never

import asyncpg
import typer
from alembic.util import CommandError
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.failure_messages import CHECK_CREDENTIALS
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.schema import installation
from multi_tenant_db.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    to: Annotated[
        str, typer.Option(metavar="REVISION", help="Target revision, also an earlier one; `base` is an empty schema.")
    ] = installation.NEWEST,
    yes: Annotated[
        bool, typer.Option("--yes", help="Downgrade without confirmation; data of later revisions is lost.")
    ] = False,
) -> None:
    """Create the database, the roles and the schema, or bring them up to date.

    MTDB_DATABASE_URL must name an administrator; the passwords of the two login roles come from MTDB_API_PASSWORD
    and MTDB_OPERATOR_PASSWORD.
    """
    settings = Settings()
    if settings.api_password is None or settings.operator_password is None:
        _refuse("set MTDB_API_PASSWORD and MTDB_OPERATOR_PASSWORD to the passwords of the two login roles")
    url = read_database_url(str(settings.database_url))
    if url.username is None:
        _refuse("MTDB_DATABASE_URL must name an administrator here: postgresql://user:password@host:port/name")
    passwords = settings.api_password.get_secret_value(), settings.operator_password.get_secret_value()
    try:
        installation.undone_by(to, None)  # raises CommandError for an unknown revision, before anything is created
        asyncio.run(_install(url, passwords, to, yes=yes))
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        _refuse(f"the database cannot be reached ({reason}): check MTDB_DATABASE_URL", ExitCode.NO_DATABASE)
    except asyncpg.InvalidPasswordError as error:
        _refuse(f"the database cannot be reached ({error}): {CHECK_CREDENTIALS}", ExitCode.NO_DATABASE)
    except asyncpg.PostgresError as error:
        reason = str(error).partition("\n")[0]
        _refuse(f"the database refused ({reason}): is the user in MTDB_DATABASE_URL an administrator?")
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        _refuse(f"the database refused a migration ({reason}); it was rolled back, earlier ones were applied")
    except CommandError as error:
        _refuse(f"the schema cannot be brought to revision {to} ({error}): does another version know it?")


async def _install(url: URL, passwords: tuple[str, str], to: str, *, yes: bool) -> None:
    async with installation.installation_lock(url, lambda message: typer.echo(message, err=True)):
        if await installation.create_database(url):
            typer.echo(f"created the database {url.database}")
        undone = [] if to == installation.NEWEST else await _undone(url, to)
        if undone and not yes:
            _confirm(undone)
        await installation.create_roles(url, api_password=passwords[0], operator_password=passwords[1])
        typer.echo("the roles are current")
        move = installation.downgrade if undone else installation.migrate
        await asyncio.to_thread(move, to)  # Alembic runs its own event loop
    typer.echo("the schema is current" if to == installation.NEWEST else f"the schema is at revision {to}")


async def _undone(url: URL, to: str) -> list[str]:
    return installation.undone_by(to, await installation.current_revision(url))


def _confirm(undone: list[str]) -> None:
    typer.echo(f"This downgrades {', '.join(undone)} and deletes the data that only they can hold.", err=True)
    if not sys.stdin.isatty() or not typer.confirm("Downgrade?", err=True):
        _refuse("nothing was changed; use --yes to downgrade")


def _refuse(message: str, code: ExitCode = ExitCode.USAGE) -> Never:
    typer.echo(f"mtdb: {printable(message)}", err=True)
    raise typer.Exit(code)
