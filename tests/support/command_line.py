"""`mtdb` as an operator types it."""

import asyncio
from dataclasses import dataclass
from unittest.mock import patch

from typer.testing import CliRunner, Result

from multi_tenant_db.cli.main import app
from tests.support.test_database import OPERATOR_PASSWORD, TestDatabase

WIDE_ENOUGH = "400"


@dataclass(frozen=True)
class CommandLine:
    """Runs commands on a database, as the role tenancy_operator, each in a thread with an event loop of its own."""

    database: TestDatabase

    async def run(self, *arguments: str) -> Result:
        """Run `mtdb` with these arguments to its end."""
        return await asyncio.to_thread(self._run, arguments)

    def _run(self, arguments: tuple[str, ...]) -> Result:
        url = self.database.admin_url
        environment = {
            "MTDB_DATABASE_URL": f"postgresql://{url.host}:{url.port}/{url.database}",
            "MTDB_OPERATOR_PASSWORD": OPERATOR_PASSWORD,
            "COLUMNS": WIDE_ENOUGH,
            "NO_COLOR": "1",
        }
        with patch.dict("os.environ", environment):
            return CliRunner().invoke(app, list(arguments))
