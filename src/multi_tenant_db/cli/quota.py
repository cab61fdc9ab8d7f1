"""`mtdb quota`."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.printed_table import print_table
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import ServerResults, on_each_server, place
from multi_tenant_db.cli.tenant_lookup import find_organization
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.models import TenantRow
from multi_tenant_db.models.quota import Quota
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.repositories.quota_repository import QuotaRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.settings import Settings

HIGHEST_QUOTA = 2_147_483_647

app = typer.Typer(
    help="Limit the number of an organisation's subsidiaries.", no_args_is_help=True, add_completion=False
)

Organization = Annotated[str | None, typer.Argument(help="Name or id of the parent, on any server.")]
Maximum = Annotated[
    int | None, typer.Argument(min=0, max=HIGHEST_QUOTA, help="Number of subsidiaries that it may have.")
]


@app.command("set")
def set_quota(
    organization: Organization = None,
    maximum: Maximum = None,
    default: Annotated[
        int | None,
        typer.Option(
            min=0, max=HIGHEST_QUOTA, metavar="MAXIMUM", help="Instead: for all organisations without a quota."
        ),
    ] = None,
    server: ServerLabel = None,
) -> None:
    """Set the quota of an organisation, or the default. Subsidiaries beyond it stay; new ones are refused."""
    if default is not None and organization is not None:
        raise typer.BadParameter(f"the default belongs to no organisation: omit {organization!r} or --default")
    if default is None and (organization is None or maximum is None):
        raise typer.BadParameter("name an organisation and its maximum, or use --default MAXIMUM")
    servers = chosen_servers(server)
    number = default if maximum is None else maximum
    results, tenant = asyncio.run(_change(servers, organization, "set", number))
    whose = printable(tenant.name) if tenant else "an organisation without a quota"
    for label in results.of_server:
        typer.echo(f"{place(label, servers)}{whose} may have at most {number} subsidiaries")
    results.end()


@app.command()
def remove(
    organization: Organization = None,
    default: Annotated[bool, typer.Option("--default", help="Instead: the default of all organisations.")] = False,
    server: ServerLabel = None,
) -> None:
    """Remove the quota of an organisation, for which the default is then used, or the default."""
    if default == (organization is not None):
        raise typer.BadParameter("name an organisation, or use --default")
    servers = chosen_servers(server)
    results, tenant = asyncio.run(_change(servers, organization, "remove", None))
    whose = f"quota of {printable(tenant.name)}" if tenant else "default"
    for label, is_removed in results.of_server.items():
        if is_removed:
            typer.echo(f"{place(label, servers)}the {whose} is removed")
    if results.of_server and not any(results.of_server.values()):
        typer.echo(f"mtdb: there is no {whose}: see `mtdb quota list`", err=True)
        results.end()
        raise typer.Exit(ExitCode.FAILED)
    results.end()


@app.command("list")
def list_quotas(server: ServerLabel = None, as_json: AsJson = False) -> None:
    """List the default and the quotas of organisations, with the number of subsidiaries that each has."""
    servers = chosen_servers(server)
    results = asyncio.run(on_each_server(servers, _list_rows))
    results.require_any()
    several = len(servers) > 1
    rows = [row | ({"server": label} if several else {}) for label, rows in results.of_server.items() for row in rows]
    if as_json:
        print_json(rows)
    else:
        organization = "organization; organization_id" + ("; server" if several else "")
        print_table({organization: None, "maximum": 10, "used": 10}, ([*_cells(row)] for row in rows))
    results.end()


def _cells(row: dict[str, Any]) -> Iterator[str | tuple[str, ...]]:
    where = (row["server"],) if "server" in row else ()
    if row["organization_id"] is None:
        yield ("(default)", *where)
    else:
        yield (row["organization"] or "-", str(row["organization_id"]), *where)
    yield str(row["max_subsidiaries"])
    yield "-" if row["used"] is None else str(row["used"])


async def _change(
    servers: dict[str, Settings], organization: str | None, verb: str, maximum: int | None
) -> tuple[ServerResults[bool], TenantRow | None]:
    """Set or remove the quota on the organisation's server, the default on all; return where something changed."""
    tenant: TenantRow | None = None
    if organization is not None:
        label, tenant = await find_organization(servers, organization, f"quota {verb}")
        servers = {label: servers[label]}
    return await on_each_server(servers, partial(_change_on_server, tenant, maximum)), tenant


async def _change_on_server(tenant: TenantRow | None, maximum: int | None, settings: Settings) -> bool:
    organization_id = tenant.organization_id if tenant else None
    async with operator_engine(settings) as engine, transaction(engine) as session:
        quotas = QuotaRepository(session)
        if maximum is None:
            return await quotas.remove(organization_id)
        await quotas.set(Quota(organization_id, maximum))
        return True


async def _list_rows(settings: Settings) -> list[dict[str, Any]]:
    async with operator_engine(settings) as engine:
        async with transaction(engine) as session:
            quotas = await QuotaRepository(session).list_all()
        async with platform_session(engine, "quota list") as session:
            tenants = TenantRepository(session)
            ids = {quota.organization_id for quota in quotas if quota.organization_id is not None}
            names = await tenants.find_names(ids)
            used = await tenants.count_subsidiaries_of_each(ids)
    return [
        {
            "organization_id": quota.organization_id,
            "organization": names.get(quota.organization_id) if quota.organization_id else None,
            "max_subsidiaries": quota.max_subsidiaries,
            "used": used.get(quota.organization_id, 0) if quota.organization_id else None,
        }
        for quota in quotas
    ]
