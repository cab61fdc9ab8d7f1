"""`mtdb organization`."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import URL

from multi_tenant_db.cli.administrators import (
    FAILURES,
    administrators_url,
    connected,
    end_with,
    refuse,
    run_as_administrator,
)
from multi_tenant_db.moving.administration import connection_string
from multi_tenant_db.moving.home import Home
from multi_tenant_db.moving.homes import choose_home, find_given_up, find_homes
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_step import MoveStep
from multi_tenant_db.moving.moving import cancel, steps
from multi_tenant_db.moving.organization_move import OrganizationMove
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.server_label import DEFAULT_SERVER
from multi_tenant_db.settings import Settings

LEFT = {
    None: "nothing was changed",
    False: "what was begun is undone",
    True: "what was begun is still there, and the move goes on when the command is run again",
}

TOLD = {
    MoveStep.CHECKED: "checked: schemas, tables, replication",
    MoveStep.SUBSCRIBED: "copying the rows; changes follow",
    MoveStep.COPIED: "copied",
    MoveStep.FROZEN: "writes are refused for a moment",
    MoveStep.SWITCHED: "switched",
    MoveStep.DELETED: "deleted the rows on the server it came from",
}

app = typer.Typer(help="Move an organisation to another server.", no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """Keep `move` a command of its own, with only one there is."""


@app.command()
def move(  # noqa: PLR0913, PLR0917 - each is an option
    organization: Annotated[str, typer.Argument(help="Name or id of the parent.")],
    to: Annotated[str, typer.Option(metavar="LABEL", help="Server to move it to, as the settings name it.")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="LABEL", help="Server that it is on; by default all are searched.")
    ] = None,
    max_pause: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, max=60, help="Longest time for which its writes are refused.")
    ] = 1.0,
    source_address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="The server it is on, as the other server reaches it; by default as here."
        ),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--cancel", help="Undo an interrupted move that is not past its switch.")
    ] = False,
) -> None:
    """Move an organisation while it is used: its tenants, audit trail, tokens, and rows of protected tables.

    MTDB_DATABASE_URL and MTDB_SERVERS__... must name superusers. An interrupted move goes on when run again.
    """
    settings = Settings()
    for label in (to, source or DEFAULT_SERVER):
        if label not in settings.server_labels:
            refuse(f"there is no server {label!r}: use {' or '.join(settings.server_labels)}")
    urls = {label: administrators_url(settings.of_server(label), label) for label in settings.server_labels}
    if source is not None:
        urls = {label: urls[label] for label in (source, to)}
    work = _move(urls, source, organization, to, max_pause=max_pause, address=source_address, undo=undo)
    run_as_administrator(work, LEFT[None])


async def _move(  # noqa: PLR0913 - the command's
    urls: Mapping[str, URL],
    source: str | None,
    organization: str,
    to: str,
    *,
    max_pause: float,
    address: str | None,
    undo: bool,
) -> None:
    async with AsyncExitStack() as stack:
        connections = {label: await stack.enter_async_context(connected(urls[label], label)) for label in urls}
        home = await _find_home(connections, source, organization)
        if home.moves_to not in {None, to}:
            raise MoveError(f"a move to {home.moves_to} is under way: run it with --to {home.moves_to}, to its end")
        if home.server == to:
            raise MoveError(f"{home.name} is on {to} already")
        under_way = OrganizationMove(
            home.organization_id,
            connections[home.server],
            await stack.enter_async_context(connected(urls[home.server], home.server)),
            connections[to],
            home.server,
            to,
            connection_string(urls[home.server], address),
            max_pause,
            _tell,
        )
        with _failures(under_way):
            if undo:
                await cancel(under_way)
                typer.echo(f"the move of {printable(home.name)} to {to} is undone; it is on {home.server}")
                return
            await _run(under_way)
        refused = f"; writes were refused for {under_way.pauses[-1]:.2f} s" if under_way.pauses else ""
        typer.echo(f"{printable(home.name)} is on {to}{refused}")


async def _find_home(connections: Mapping[str, asyncpg.Connection], source: str | None, organization: str) -> Home:
    homes = [home for label in connections for home in await find_homes(connections[label], label, organization)]
    for label in connections:
        if all(home.server != label for home in homes):
            homes += await find_given_up(connections[label], label, homes)
    searched = [source] if source is not None else list(connections)
    return choose_home([home for home in homes if home.server in searched], organization, searched)


async def _run(under_way: OrganizationMove) -> None:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("rows copied", total=None)
        under_way.copied = lambda rows, total: progress.update(task, completed=rows, total=total)
        async for step in steps(under_way):
            if step in TOLD:
                _tell(TOLD[step])


@contextmanager
def _failures(under_way: OrganizationMove) -> Iterator[None]:
    """Say what has become of the move when it fails."""
    try:
        yield
    except MoveError:
        if under_way.is_left_behind is not None:
            _tell(LEFT[under_way.is_left_behind])
        raise
    except asyncio.CancelledError:
        _tell(f"interrupted: {LEFT[under_way.is_left_behind]}")
        raise
    except FAILURES as error:
        end_with(error, LEFT[under_way.is_left_behind])


def _tell(line: str) -> None:
    typer.echo(line, err=True)
