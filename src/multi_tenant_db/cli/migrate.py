"""`mtdb migrate`."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Annotated, NamedTuple, Never

import asyncpg
import typer
from alembic.util import CommandError
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.failure_messages import CHECK_CREDENTIALS
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import place
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.schema import installation
from multi_tenant_db.server_label import url_variable
from multi_tenant_db.settings import Settings

app = typer.Typer(add_completion=False)


class _Target(NamedTuple):
    """A database to migrate, the variable that names it, and what begins the lines about it."""

    url: URL
    variable: str
    where: str


@app.command()
def migrate(
    to: Annotated[
        str, typer.Option(metavar="REVISION", help="Target revision, also an earlier one; `base` is an empty schema.")
    ] = installation.NEWEST,
    server: ServerLabel = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Downgrade without confirmation; data of later revisions is lost.")
    ] = False,
) -> None:
    """Create the database, the roles and the schema, or bring them up to date.

    MTDB_DATABASE_URL must name an administrator; the passwords of the two login roles come from MTDB_API_PASSWORD
    and MTDB_OPERATOR_PASSWORD. Several servers, whose URLs name an administrator each, are migrated one after the
    other; the first failure ends the command.
    """
    servers = chosen_servers(server)
    passwords = _passwords(next(iter(servers.values())))
    targets = {label: _target(label, servers) for label in servers}
    for number, target in enumerate(targets.values()):
        try:
            _migrate(target, passwords, to, yes=yes)
        except typer.Exit:
            if len(servers) > 1:
                done, others = ", ".join([*servers][:number]) or "none", ", ".join([*servers][number:])
                typer.echo(f"mtdb: migrated: {done}; not migrated: {others}", err=True)
            raise


def _target(label: str, servers: Mapping[str, Settings]) -> _Target:
    url = read_database_url(str(servers[label].database_url))
    variable = url_variable(label)
    if url.username is None:
        _refuse(f"{variable} must name an administrator here: postgresql://user:password@host:port/name")
    return _Target(url, variable, place(label, servers))


def _passwords(settings: Settings) -> tuple[str, str]:
    if settings.api_password is None or settings.operator_password is None:
        _refuse("set MTDB_API_PASSWORD and MTDB_OPERATOR_PASSWORD to the passwords of the two login roles")
    return settings.api_password.get_secret_value(), settings.operator_password.get_secret_value()


def _migrate(target: _Target, passwords: tuple[str, str], to: str, *, yes: bool) -> None:
    """Migrate one database. Raises typer.Exit after a line about a failure."""
    _url, variable, where = target
    try:
        installation.undone_by(to, None)  # raises CommandError for an unknown revision, before anything is created
        asyncio.run(_install(target, passwords, to, yes=yes))
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        _refuse(f"the database cannot be reached ({reason}): check {variable}", ExitCode.NO_DATABASE, where)
    except asyncpg.InvalidPasswordError as error:
        advice = CHECK_CREDENTIALS.format(variable=variable)
        _refuse(f"the database cannot be reached ({error}): {advice}", ExitCode.NO_DATABASE, where)
    except asyncpg.PostgresError as error:
        reason = str(error).partition("\n")[0]
        _refuse(f"the database refused ({reason}): is the user in {variable} an administrator?", where=where)
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        _refuse(
            f"the database refused a migration ({reason}); it was rolled back, earlier ones were applied", where=where
        )
    except CommandError as error:
        _refuse(f"the schema cannot be brought to revision {to} ({error}): does another version know it?", where=where)


async def _install(target: _Target, passwords: tuple[str, str], to: str, *, yes: bool) -> None:
    url, _variable, where = target
    async with installation.installation_lock(url, lambda message: typer.echo(f"{where}{message}", err=True)):
        if await installation.create_database(url):
            typer.echo(f"{where}created the database {url.database}")
        undone = [] if to == installation.NEWEST else await _undone(url, to)
        if undone and not yes:
            _confirm(undone, where)
        await installation.create_roles(url, api_password=passwords[0], operator_password=passwords[1])
        typer.echo(f"{where}the roles are current")
        move = installation.downgrade if undone else installation.migrate
        await asyncio.to_thread(move, to, url)  # Alembic runs its own event loop
    reached = "the schema is current" if to == installation.NEWEST else f"the schema is at revision {to}"
    typer.echo(f"{where}{reached}")


async def _undone(url: URL, to: str) -> list[str]:
    return installation.undone_by(to, await installation.current_revision(url))


def _confirm(undone: list[str], where: str) -> None:
    typer.echo(f"{where}This downgrades {', '.join(undone)} and deletes the data that only they can hold.", err=True)
    if not sys.stdin.isatty() or not typer.confirm("Downgrade?", err=True):
        _refuse("nothing was changed; use --yes to downgrade", where=where)


def _refuse(message: str, code: ExitCode = ExitCode.USAGE, where: str = "") -> Never:
    typer.echo(f"mtdb: {where}{printable(message)}", err=True)
    raise typer.Exit(code)
