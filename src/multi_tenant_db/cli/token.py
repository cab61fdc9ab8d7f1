"""`mtdb token`."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.label import check_label, is_storable
from multi_tenant_db.cli.lifetime import parse_lifetime
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.table import minute, print_table
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.models import TenantRow
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.access_token_service import AccessTokenService

PURGE_BATCH = 1_000
"""Rows deleted in one transaction, which takes milliseconds."""

app = typer.Typer(help="Issue, list, revoke and purge access tokens.", no_args_is_help=True, add_completion=False)

Label = Annotated[str, typer.Option(callback=check_label, help="Who or what uses the token; shown by `list`.")]
Lifetime = Annotated[str, typer.Option(metavar="90m|12h|30d", help="Time until it expires.")]


@app.command()
def issue(  # noqa: PLR0913, PLR0917 - each is an option
    tenant: Annotated[str | None, typer.Argument(help="Name or id of the tenant.")] = None,
    platform_operator: Annotated[bool, typer.Option(help="Instead of a tenant: every tenant.")] = False,
    label: Label = "mtdb token issue",
    lifetime: Lifetime = "12h",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the token.")] = False,
    as_json: AsJson = False,
) -> None:
    """Issue a token. It is printed once and not stored."""
    if tenant is None and not platform_operator:
        raise typer.BadParameter("name a tenant, or use --platform-operator")
    if tenant is not None and platform_operator:
        raise typer.BadParameter(f"a platform operator's token belongs to no tenant: omit {tenant!r} or the option")
    token, issued = asyncio.run(_issue(tenant, label, parse_lifetime(lifetime)))
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
    as_json: AsJson = False,
) -> None:
    """List tokens, oldest first. The secrets are not stored and cannot be shown."""
    rows = asyncio.run(_list_rows(every_state, limit))
    if as_json:
        print_json(rows)
    else:
        columns = {"token_id; label": 36, "tenant": None, "expires_at": 16, "state": 7}
        print_table(columns, ([*_cells(row)] for row in rows))
    if len(rows) == limit:
        typer.echo(f"only the newest {limit} are listed: see --limit", err=True)


def _cells(row: dict[str, str | None]) -> Iterator[str | tuple[str, ...]]:
    yield str(row["token_id"]), str(row["label"])
    yield row["tenant"] or ("(platform operator)" if row["role"] == "platform_operator" else "-")
    yield minute(datetime.fromisoformat(str(row["expires_at"])))
    yield str(row["state"])


@app.command()
def purge() -> None:
    """Delete tokens that expired or were revoked a month ago, and old idempotency keys, in short steps."""
    typer.echo(f"{asyncio.run(_purge()):,} were deleted")


@app.command()
def revoke(token_id: Annotated[UUID, typer.Argument(help="The token_id that `list` shows.")]) -> None:
    """Revoke a token; the next statement that presents it fails."""
    if not asyncio.run(_revoke(token_id)):
        typer.echo(f"mtdb: there is no unrevoked token {token_id}: see `mtdb token list`", err=True)
        raise typer.Exit(ExitCode.FAILED)
    typer.echo(f"token {token_id} is revoked")


async def _issue(name_or_id: str | None, label: str, lifetime: timedelta) -> tuple[str, IssuedToken]:
    async with operator_engine() as engine:
        tenant = None
        if name_or_id is not None:
            async with platform_session(engine, "token issue") as session:
                tenant = _only(await _find(TenantRepository(session), name_or_id), name_or_id)
        async with transaction(engine) as session:
            service = AccessTokenService(AccessTokenRepository(session))
            if tenant is None:
                return await service.issue_for_platform_operator(label=label, lifetime=lifetime)
            return await service.issue_for_tenant(tenant, label=label, lifetime=lifetime)


async def _find(tenants: TenantRepository, name_or_id: str) -> Sequence[TenantRow]:
    try:
        tenant_id = UUID(name_or_id)
    except ValueError:
        return await tenants.find_by_name(name_or_id) if is_storable(name_or_id) else []
    tenant = await tenants.find(tenant_id)
    return [tenant] if tenant else []


def _only(found: Sequence[TenantRow], name_or_id: str) -> TenantRow:
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(tenant.tenant_id) for tenant in found)
        typer.echo(f"mtdb: several tenants are named {name_or_id!r}, use an id: {ids}", err=True)
    else:
        typer.echo(f"mtdb: there is no tenant {name_or_id!r}; `mtdb seed` adds the sample data", err=True)
    raise typer.Exit(ExitCode.FAILED)


async def _purge() -> int:
    deleted = 0
    async with operator_engine() as engine:
        while True:
            async with transaction(engine) as session:
                step = await AccessTokenService(AccessTokenRepository(session)).purge(PURGE_BATCH)
            deleted += step
            if step == 0:
                return deleted


async def _list_rows(every_state: bool, limit: int) -> list[dict[str, str | None]]:
    async with operator_engine() as engine:
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


async def _revoke(token_id: UUID) -> bool:
    async with operator_engine() as engine, transaction(engine) as session:
        return await AccessTokenService(AccessTokenRepository(session)).revoke(token_id)
