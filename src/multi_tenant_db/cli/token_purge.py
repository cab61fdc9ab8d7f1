"""`mtdb token purge`."""

import asyncio

import typer

from multi_tenant_db.cli.operator_session import operator_engine
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server, place
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings

PURGE_BATCH = 1_000
"""Rows deleted in one transaction, which takes milliseconds."""


def purge(server: ServerLabel = None) -> None:
    """Delete tokens that expired or were revoked a month ago, and old idempotency keys, in short steps."""
    servers = chosen_servers(server)
    results = asyncio.run(on_each_server(servers, _purge))
    for label, deleted in results.of_server.items():
        typer.echo(f"{place(label, servers)}{deleted:,} tokens and idempotency keys were deleted")
    results.end()


async def _purge(settings: Settings) -> int:
    deleted = 0
    async with operator_engine(settings) as engine:
        while True:
            async with transaction(engine) as session:
                step = await AccessTokenService(AccessTokenRepository(session)).purge(PURGE_BATCH)
            deleted += step
            if step == 0:
                return deleted
