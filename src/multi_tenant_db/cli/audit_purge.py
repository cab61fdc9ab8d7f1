"""`mtdb audit purge`."""

import sys
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from multi_tenant_db.cli.administrators import administrators_url, connected, refuse, run_as_administrator
from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import place
from multi_tenant_db.cli.tenant_scope import found_scope
from multi_tenant_db.cli.transfer_progress import transfer_progress
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.records.purge import purge as purge_events
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.settings import Settings

INTERRUPTED = "what was deleted is recorded; run it again for the rest"


def parse_moment(text: str) -> datetime:
    """Return a moment that has passed; raises typer.BadParameter. Without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write it as 2025-01-01, or 2025-01-01T12:00:00+00:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment > datetime.now(UTC):
        raise typer.BadParameter("it is in the future: events that are still to come cannot be purged")
    return moment


def purge(
    before: Annotated[
        datetime,
        typer.Option(parser=parse_moment, metavar="DATE", help="Delete older events; a date begins at midnight, UTC."),
    ],
    organization: Annotated[
        str | None, typer.Option(help="Only events of this organisation: name or id of a parent.")
    ] = None,
    server: ServerLabel = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete old events of the audit trail, in short steps; one event records it.

    The URLs of the servers must name superusers.
    """
    servers = chosen_servers(server)
    if not yes:
        _confirm(before, organization)
    results = run_as_administrator(_purge(servers, before, organization), INTERRUPTED)
    if as_json:
        print_json([{"server": label, "before": before, "events": deleted} for label, deleted in results.items()])
        return
    for label, deleted in results.items():
        typer.echo(f"{place(label, servers)}{deleted:,} events were deleted")


def _confirm(before: datetime, organization: str | None) -> None:
    whose = "of all organisations" if organization is None else f"of {organization}"
    typer.echo(printable(f"This deletes the events {whose} before {before.isoformat()}."), err=True)
    if not sys.stdin.isatty() or not typer.confirm("Delete them?", err=True):
        refuse("nothing was deleted; use --yes to delete")


async def _purge(servers: dict[str, Settings], before: datetime, organization: str | None) -> dict[str, int]:
    deleted: dict[str, int] = {}
    with transfer_progress("events") as progress:
        if organization is not None:
            async with found_scope(servers, organization, also_deleted=True) as found:
                organization_id = _parent(found.scope.organization_id, found.scope.tenant_id)
                progress_here = partial(progress, found.server)
                deleted[found.server] = await purge_events(found.connection, before, organization_id, progress_here)
            return deleted
        for label, settings in servers.items():
            async with connected(administrators_url(settings, label), label) as connection:
                deleted[label] = await purge_events(connection, before, progress=partial(progress, label))
    return deleted


def _parent(organization_id: UUID, tenant_id: UUID) -> UUID:
    if organization_id != tenant_id:
        raise RecordsError(f"{tenant_id} is a subsidiary: the trail is purged for an organisation, name its parent")
    return organization_id
