"""A migrated database for tests."""

from dataclasses import dataclass

import asyncpg
from sqlalchemy import URL

from multi_tenant_db.settings import Settings

API_PASSWORD = "api password of the tests"
OPERATOR_PASSWORD = "operator password of the tests"


@dataclass(frozen=True)
class MigratedDatabase:
    """A migrated database, and the three ways in."""

    __test__ = False  # also where a test imports it by a name that begins with Test

    admin_url: URL

    def settings(self, **changes: object) -> Settings:
        """Return what the service would read from its environment."""
        url = self.admin_url
        where = f"postgresql://{url.host}:{url.port}/{url.database}"
        values = {
            "database_url": where,
            "api_password": API_PASSWORD,
            "operator_password": OPERATOR_PASSWORD,
            "log_level": "warning",
        }
        return Settings.model_validate(values | changes)

    async def connect_as_api(self) -> asyncpg.Connection:
        """Connect as tenancy_api: what SQL injected into the service could do."""
        return await self._connect(self.admin_url.set(username="tenancy_api", password=API_PASSWORD))

    async def connect_as_operator(self) -> asyncpg.Connection:
        """Connect as tenancy_operator, who issues tokens."""
        return await self._connect(self.admin_url.set(username="tenancy_operator", password=OPERATOR_PASSWORD))

    async def connect_as_admin(self) -> asyncpg.Connection:
        """Connect as the superuser, whom no policy binds."""
        return await self._connect(self.admin_url)

    async def _connect(self, url: URL) -> asyncpg.Connection:
        return await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
