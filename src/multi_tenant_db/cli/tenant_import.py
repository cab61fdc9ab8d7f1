"""`mtdb tenant import`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from multi_tenant_db.cli.administrators import administrators_url, connected, run_as_administrator
from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.tenant_lookup import find_labels
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.records.importing import import_folder
from multi_tenant_db.records.manifest import Manifest
from multi_tenant_db.records.reading import read_manifest
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.settings import Settings

LOST = "it may have been imported; see `mtdb tenant list`"


def import_tenant(
    folder: Annotated[Path, typer.Argument(help="Folder that `mtdb tenant export` wrote.")],
    server: ServerLabel = None,
    as_json: AsJson = False,
) -> None:
    """Import what `mtdb tenant export` wrote, with the same ids, into a database that does not have it.

    The URL of the server must name a superuser. Of several servers, --server names one; none of the others may have
    the organisation. Tokens are issued anew.
    """
    servers = chosen_servers(server)
    if len(servers) > 1:
        raise typer.BadParameter(f"an organisation is on one server: name it with --server {'|'.join(servers)}")
    manifest = run_as_administrator(_import(servers, folder), "nothing was imported", if_lost=LOST)
    if as_json:
        imported = {"organization_id": manifest.organization_id, "tenant_id": manifest.tenant_id}
        print_json(imported | {"name": manifest.name, "rows": manifest.rows})
        return
    typer.echo(printable(f"imported the {manifest.scope.description}: {manifest.rows:,} rows"))
    typer.echo(printable(f"it has no tokens: mtdb token issue {manifest.tenant_id}"), err=True)


async def _import(servers: Mapping[str, Settings], folder: Path) -> Manifest:
    [(label, settings)] = servers.items()
    url = administrators_url(settings, label)
    manifest = await read_manifest(folder)
    others = {name: of_server for name, of_server in chosen_servers(None).items() if name != label}
    if elsewhere := await find_labels(others, manifest.tenant_id, "tenant import"):
        move = "`mtdb organization move` takes an organisation to another server"
        raise RecordsError(f"server {elsewhere[0]} has the {manifest.scope.description} already; {move}")
    async with connected(url, label) as connection:
        await import_folder(connection, folder, manifest)
    return manifest
