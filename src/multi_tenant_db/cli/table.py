"""`mtdb table`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import URL

from multi_tenant_db.cli.administrators import CONNECTION_FAILURES, administrators_url, first_line, refuse
from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import place
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.protecting import backfilling, enforcing, filling, preparing, shadowing, undoing, validating
from multi_tenant_db.protecting.existing_table import ExistingTable
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.protecting.session import administrators_session
from multi_tenant_db.server_label import url_variable

type Work = Callable[[asyncpg.Connection, ExistingTable], Awaitable[object]]

AGAIN = "run the command again: it goes on where it ended"

app = typer.Typer(
    help="Protect a table that exists, while it is used: prepare, backfill, validate, shadow, enforce.",
    no_args_is_help=True,
    add_completion=False,
)

TableName = Annotated[str, typer.Argument(metavar="TABLE", help="The table with its schema: tenancy.payments.")]
Columns = Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="May be given several times.")]


@app.command()
def status(table: TableName, server: ServerLabel = None, as_json: AsJson = False) -> None:
    """Show which step the table is at."""
    found = _run(table, server, _nothing)
    if as_json:
        several = len(found) > 1
        described = [
            {"table": one.name, "step": one.step} | ({"server": label} if several else {})
            for label, one in found.items()
        ]
        print_json(described if several else described[0])
        return
    _tell(found)


@app.command()
def prepare(table: TableName, server: ServerLabel = None) -> None:
    """Add the column organization_id, and a trigger that fills it in for new and changed rows."""
    _tell(_run(table, server, preparing.prepare))


@app.command()
def backfill(
    table: TableName,
    server: ServerLabel = None,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Rows of a transaction, about.")] = 5_000,
    pause: Annotated[float, typer.Option(metavar="SECONDS", min=0, max=60, help="Pause after each.")] = 0.05,
) -> None:
    """Fill the column in for the rows that the table has. Can be interrupted and run again."""

    async def work(connection: asyncpg.Connection, found: ExistingTable) -> None:
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("pages", total=None)
            told = partial(_update, progress, task)
            rows = await backfilling.backfill(connection, found, batch=batch, pause=pause, progress=told)
        typer.echo(f"{rows} rows of {printable(found.name)} got their organisation", err=True)

    _tell(_run(table, server, work))


@app.command()
def validate(table: TableName, server: ServerLabel = None) -> None:
    """Create an index that begins with the key, a foreign key to the tenants and NOT NULL; refuse wrong rows."""
    _tell(_run(table, server, validating.validate))


@app.command()
def shadow(table: TableName, server: ServerLabel = None) -> None:
    """Log what enforcing would hide or refuse, with code MT004. Nothing is enforced yet."""
    _tell(_run(table, server, shadowing.shadow))


@app.command()
def enforce(
    table: TableName,
    server: ServerLabel = None,
    insert: Columns = None,
    update: Columns = None,
    delete: Annotated[bool, typer.Option("--delete", help="Let the service delete rows.")] = False,
) -> None:
    """Protect the table: policies, grants and audit trail. Other roles lose their privileges on it.

    --insert and --update name the columns that the service may write; the key need not be named.
    """

    async def work(connection: asyncpg.Connection, found: ExistingTable) -> None:
        await enforcing.enforce(connection, found, insert or (), update or (), may_delete=delete)

    _tell(_run(table, server, work))


@app.command()
def undo(table: TableName, server: ServerLabel = None) -> None:
    """Undo the last step."""
    _tell(_run(table, server, undoing.undo))


async def _nothing(_connection: asyncpg.Connection, _table: ExistingTable) -> None:
    """Only find the table."""


def _update(progress: Progress, task: object, done: int, of: int) -> None:
    progress.update(task, completed=done, total=of)  # type: ignore[arg-type]  # rich's TaskID


def _run(table: str, server: str | None, work: Work) -> dict[str, ExistingTable]:
    """Do the work on one server after the other; return the table as it then is. The first failure ends the command."""
    servers = chosen_servers(server)
    urls = {label: administrators_url(settings, label) for label, settings in servers.items()}
    return {label: _run_on(url, label, table, work, place(label, servers)) for label, url in urls.items()}


def _run_on(url: URL, label: str, table: str, work: Work, where: str) -> ExistingTable:
    try:
        return asyncio.run(_work(url, table, work))
    except ProtectionError as error:
        refuse(f"{where}{error}", ExitCode.FAILED)
    except asyncpg.PostgresError as error:
        refuse(f"{where}the database refused ({first_line(error)}): when that is remedied, {AGAIN}", ExitCode.FAILED)
    except CONNECTION_FAILURES as error:
        reason = first_line(error)
        refuse(f"{where}the database cannot be reached ({reason}): check {url_variable(label)}", ExitCode.NO_DATABASE)


async def _work(url: URL, table: str, work: Work) -> ExistingTable:
    async with administrators_session(url) as connection:
        await filling.finish(connection)
        await work(connection, await ExistingTable.find(connection, table))
        return await ExistingTable.find(connection, table)


def _tell(found: dict[str, ExistingTable]) -> None:
    for label, table in found.items():
        typer.echo(f"{place(label, found)}{printable(table.name)} is {table.step}; next: {table.step.what_next}")
