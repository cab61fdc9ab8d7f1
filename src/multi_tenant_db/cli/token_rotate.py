"""`mtdb token rotate`."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from multi_tenant_db.cli.as_json import AsJson
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.lifetime import Expires, Lifetime, choose_lifetime, parse_lifetime
from multi_tenant_db.cli.new_token import print_token
from multi_tenant_db.cli.operator_session import operator_engine
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server
from multi_tenant_db.cli.token_issue import USUAL_LIFETIME
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings


def rotate(  # noqa: PLR0913, PLR0917 - each is an option
    token_id: Annotated[UUID, typer.Argument(help="The token_id that `list` shows.")],
    grace: Annotated[
        str, typer.Option(metavar="90m|12h|30d", help="Time for which the former token is still valid, at most.")
    ] = "1h",
    lifetime: Lifetime = None,
    expires: Expires = None,
    server: ServerLabel = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the token.")] = False,
    as_json: AsJson = False,
) -> None:
    """Issue a token, for 12h, in place of a valid one, which ends after a grace period.

    Tenant, label and rights are those of the former. A view token is not rotated: issue another.
    """
    servers = chosen_servers(server)
    chosen = choose_lifetime(lifetime, expires, USUAL_LIFETIME)
    work = partial(_rotate, token_id, chosen, parse_lifetime(grace))
    results = asyncio.run(on_each_server({label: (label, servers[label]) for label in servers}, work))
    results.require_any()
    found = [rotated for rotated in results.of_server.values() if rotated is not None]
    if found:
        token, issued = found[0]
        print_token(token, issued, quiet=quiet, as_json=as_json)
        return
    elsewhere = " on the other servers" if results.failures else ""
    typer.echo(f"mtdb: no valid token {token_id} can be rotated{elsewhere}: see `mtdb token list`", err=True)
    results.end()
    raise typer.Exit(ExitCode.FAILED)


async def _rotate(
    token_id: UUID, lifetime: timedelta | datetime, grace: timedelta, target: tuple[str, Settings]
) -> tuple[str, IssuedToken] | None:
    server, settings = target
    async with operator_engine(settings) as engine, transaction(engine) as session:
        service = AccessTokenService(AccessTokenRepository(session))
        return await service.rotate(token_id, lifetime=lifetime, grace=grace, server=server)
