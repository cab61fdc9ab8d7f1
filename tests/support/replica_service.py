"""A service in this process that reads from a standby."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from multi_tenant_db.database.read_routing import ReadRouting
from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings
from tests.reliability.support.until import until
from tests.support.party import Party


@dataclass(frozen=True)
class ReplicaService:
    """Its client, and its routing of reads."""

    client: httpx.AsyncClient
    reads: ReadRouting

    async def name_of(self, party: Party, reader: Party | None = None) -> str:
        """Read a tenant's name, as itself or as another."""
        answer = await self.client.get(f"/tenants/{party.tenant_id}", headers=(reader or party).headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["name"])

    async def rename(self, party: Party, name: str, writer: Party | None = None) -> None:
        """Write a tenant's name, as itself or as another."""
        body = {"name": name, "metadata": {}}
        answer = await self.client.put(f"/tenants/{party.tenant_id}", json=body, headers=(writer or party).headers)
        assert answer.status_code == 200, answer.text

    async def until_read_from_standby(self, party: Party, seconds: float = 20) -> None:
        """Read as the party until a standby answers."""

        async def from_standby() -> bool:
            before = self.reads.reads_on_standby
            await self.name_of(party)
            return self.reads.reads_on_standby > before

        await until(from_standby, "reads go to the standby", seconds)

    async def until_not_fit(self) -> None:
        """Wait until all reads go to the primary."""

        async def unfit() -> bool:
            return not self.reads.has_fit_standby()

        await until(unfit, "no standby is fit")


@asynccontextmanager
async def replica_service(settings: Settings) -> AsyncIterator[ReplicaService]:
    """Run a service whose default server has a standby."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield ReplicaService(client, app.state.servers.default.reads)
