"""`mtdb tenant export`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from multi_tenant_db.cli.administrators import run_as_administrator
from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.tenant_scope import found_scope
from multi_tenant_db.cli.transfer_progress import transfer_progress
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.records.export import check_folder, export
from multi_tenant_db.records.manifest import Manifest
from multi_tenant_db.records.scope import Scope
from multi_tenant_db.settings import Settings


def export_tenant(
    tenant: Annotated[str, typer.Argument(help="Name or id; of a parent, the whole organisation is exported.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to create.")],
    server: ServerLabel = None,
    as_json: AsJson = False,
) -> None:
    """Export all rows of an organisation or of a subsidiary, as of one moment, as JSON Lines with a manifest.

    The URL of its server must name a superuser. Tokens and idempotency keys are credentials, and not exported.
    """
    work = _export(chosen_servers(server), tenant, to)
    scope, manifest = run_as_administrator(work, "nothing was exported")
    if as_json:
        print_json(manifest.model_dump(mode="json"))
        return
    typer.echo(printable(f"the {scope.description} is in {to}: {manifest.rows:,} rows of {len(manifest.files)} tables"))


async def _export(servers: Mapping[str, Settings], tenant: str, folder: Path) -> tuple[Scope, Manifest]:
    check_folder(folder)
    async with found_scope(servers, tenant) as found:
        with transfer_progress("bytes") as progress:
            return found.scope, await export(found.connection, found.scope, folder, progress)
