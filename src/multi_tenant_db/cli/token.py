"""`mtdb token`."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.label import check_label
from multi_tenant_db.cli.lifetime import parse_lifetime
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.printed_table import minute, print_table
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server, place
from multi_tenant_db.cli.token_issue import issue_on
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings

PURGE_BATCH = 1_000
"""Rows deleted in one transaction, which takes milliseconds."""

app = typer.Typer(help="Issue, list, revoke and purge access tokens.", no_args_is_help=True, add_completion=False)

Label = Annotated[str, typer.Option(callback=check_label, help="Who or what uses the token; shown by `list`.")]
Lifetime = Annotated[str, typer.Option(metavar="90m|12h|30d", help="Time until it expires.")]


@app.command()
def issue(  # noqa: PLR0913, PLR0917 - each is an option
    tenant: Annotated[str | None, typer.Argument(help="Name or id of the tenant, on any server.")] = None,
    platform_operator: Annotated[
        bool, typer.Option(help="Instead of a tenant: every tenant of one server, which --server names if several.")
    ] = False,
    server: ServerLabel = None,
    label: Label = "mtdb token issue",
    lifetime: Lifetime = "12h",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the token.")] = False,
    as_json: AsJson = False,
) -> None:
    """Issue a token. It is printed once and not stored. It names the tenant's server, if it is not the default."""
    if tenant is None and not platform_operator:
        raise typer.BadParameter("name a tenant, or use --platform-operator")
    if tenant is not None and platform_operator:
        raise typer.BadParameter(f"a platform operator's token belongs to no tenant: omit {tenant!r} or the option")
    servers = chosen_servers(server)
    if platform_operator and len(servers) > 1:
        raise typer.BadParameter(
            f"a platform operator's token reaches the tenants of one server: name it with --server {'|'.join(servers)}"
        )
    token, issued = asyncio.run(issue_on(servers, tenant, label, parse_lifetime(lifetime)))
    if as_json:
        row = {"token_id": issued.token_id, "label": issued.label, "expires_at": issued.expires_at}
        print_json({"token": token} | row)
        return
    typer.echo(token)
    if not quiet:
        typer.echo(
            f"token {issued.token_id} ({printable(issued.label)}) expires at {issued.expires_at.isoformat()}", err=True
        )


@app.command("list")
def list_tokens(
    every_state: Annotated[bool, typer.Option("--all", help="Also list expired and revoked tokens.")] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Maximum number of tokens; the newest are kept.")
    ] = 1_000,
    server: ServerLabel = None,
    as_json: AsJson = False,
) -> None:
    """List tokens, oldest first. The secrets are not stored and cannot be shown."""
    servers = chosen_servers(server)
    results = asyncio.run(on_each_server(servers, partial(_list_rows, every_state, limit)))
    results.require_any()
    several = len(servers) > 1
    rows = [row | ({"server": label} if several else {}) for label, rows in results.of_server.items() for row in rows]
    rows = sorted(rows, key=lambda row: str(row["token_id"]))[-limit:]  # an id begins with the time of issue
    if as_json:
        print_json(rows)
    else:
        tenant = "tenant; server" if several else "tenant"
        columns = {"token_id; label": 36, tenant: None, "expires_at": 16, "state": 7}
        print_table(columns, ([*_cells(row)] for row in rows))
    if len(rows) == limit:
        typer.echo(f"only the newest {limit} are listed: see --limit", err=True)
    results.end()


def _cells(row: dict[str, str | None]) -> Iterator[str | tuple[str, ...]]:
    yield str(row["token_id"]), str(row["label"])
    tenant = row["tenant"] or ("(platform operator)" if row["role"] == "platform_operator" else "-")
    yield (tenant, str(row["server"])) if "server" in row else tenant
    yield minute(datetime.fromisoformat(str(row["expires_at"])))
    yield str(row["state"])


@app.command()
def purge(server: ServerLabel = None) -> None:
    """Delete tokens that expired or were revoked a month ago, and old idempotency keys, in short steps."""
    servers = chosen_servers(server)
    results = asyncio.run(on_each_server(servers, _purge))
    for label, deleted in results.of_server.items():
        typer.echo(f"{place(label, servers)}{deleted:,} were deleted")
    results.end()


@app.command()
def revoke(
    token_id: Annotated[UUID, typer.Argument(help="The token_id that `list` shows.")], server: ServerLabel = None
) -> None:
    """Revoke a token, on whichever server it is; the next statement that presents it fails."""
    results = asyncio.run(on_each_server(chosen_servers(server), partial(_revoke, token_id)))
    results.require_any()
    if any(results.of_server.values()):
        typer.echo(f"token {token_id} is revoked")
        results.end()
        return
    elsewhere = " on the other servers" if results.failures else ""
    typer.echo(f"mtdb: there is no unrevoked token {token_id}{elsewhere}: see `mtdb token list`", err=True)
    results.end()
    raise typer.Exit(ExitCode.FAILED)


async def _purge(settings: Settings) -> int:
    deleted = 0
    async with operator_engine(settings) as engine:
        while True:
            async with transaction(engine) as session:
                step = await AccessTokenService(AccessTokenRepository(session)).purge(PURGE_BATCH)
            deleted += step
            if step == 0:
                return deleted


async def _list_rows(every_state: bool, limit: int, settings: Settings) -> list[dict[str, str | None]]:
    async with operator_engine(settings) as engine:
        async with transaction(engine) as session:
            service = AccessTokenService(AccessTokenRepository(session))
            shown = await service.list_tokens(every_state=every_state, limit=limit)
        async with platform_session(engine, "token list") as session:
            names = await TenantRepository(session).find_names(
                {token.tenant_id for token in shown if token.tenant_id is not None}
            )
    return [
        {
            "token_id": str(token.token_id),
            "role": token.role,
            "tenant": names.get(token.tenant_id) if token.tenant_id else None,
            "tenant_id": str(token.tenant_id) if token.tenant_id else None,
            "label": token.label,
            "created_at": token.created_at.isoformat(),
            "expires_at": token.expires_at.isoformat(),
            "state": token.state,
        }
        for token in shown
    ]


async def _revoke(token_id: UUID, settings: Settings) -> bool:
    async with operator_engine(settings) as engine, transaction(engine) as session:
        return await AccessTokenService(AccessTokenRepository(session)).revoke(token_id)
