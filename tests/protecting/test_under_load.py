"""A table is protected while its application goes on reading and writing: `make test-long` with a million rows."""

import asyncio
import logging
import os
from time import monotonic

import pytest
from sqlalchemy import URL

from tests.protecting.application import Application
from tests.protecting.legacy_table import STEPS, legacy_table

ROWS = 1_000_002 if os.environ.get("MTDB_LONG") == "1" else 30_000
CLIENTS = 4
LONGEST_STALL_SECONDS = 3.0
"""A bound for a busy machine; the log has the figures."""

log = logging.getLogger(__name__)


@pytest.mark.exhaustive
async def test_the_application_goes_on(server_url: URL) -> None:
    """No statement of the application fails before the table is enforced, none waits long, and every row is right."""
    async with legacy_table(server_url, rows_of_each=ROWS // 6) as legacy:
        tenants = [party.tenant_id for bank in legacy.banks for party in bank.parties]
        clients = [Application(await legacy.connect(), tenants) for _ in range(CLIENTS)]
        running = [asyncio.create_task(client.run()) for client in clients]
        took: dict[str, float] = {}
        await asyncio.sleep(0.5)
        for command, *_ in (("no step",), *STEPS[:-1]):
            for client in clients:
                client.longest_seconds = 0.0
            began, done = monotonic(), sum(client.statements for client in clients)
            if command == "no step":
                await asyncio.sleep(3)
            else:
                await legacy.do(command)
            took[command] = monotonic() - began
            rate = (sum(client.statements for client in clients) - done) / took[command]
            stall = max(client.longest_seconds for client in clients)
            log.info(
                "%d rows, %s: %.1f s, longest statement %.0f ms, %.0f statements/s",
                ROWS,
                command,
                took[command],
                stall * 1000,
                rate,
            )
            assert stall < LONGEST_STALL_SECONDS
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in running)
        for client in clients:
            client.stop()
        await asyncio.gather(*running)
        began = monotonic()
        await legacy.do("enforce")
        log.info("%d rows, enforce: %.2f s", ROWS, monotonic() - began)

        assert await legacy.wrong_rows() == 0
        stored = {
            row["payment_id"]: row["changes"]
            for row in await legacy.admin.fetch(
                "SELECT payment_id, changes FROM tenancy.payments WHERE reference LIKE 'by %'"
            )
        }
        acknowledged = {payment: changes for client in clients for payment, changes in client.payments.items()}
        assert stored == acknowledged
        assert await legacy.admin.fetchval("SELECT count(*) FROM tenancy.payments") == ROWS + len(stored)
