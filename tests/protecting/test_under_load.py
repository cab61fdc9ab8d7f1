"""A table is protected while its application goes on reading and writing: `make test-long` with a million rows."""

import asyncio
import os
from collections.abc import Callable
from time import monotonic

import asyncpg
import pytest
from sqlalchemy import URL

from tests.protecting.application import Application
from tests.protecting.legacy_table import STEPS, LegacyTable, legacy_table

ROWS = 1_000_002 if os.environ.get("MTDB_LONG") == "1" else 30_000
CLIENTS = 4
UNDISTURBED_SECONDS = 3
LONGEST_STALL_SECONDS = 3.0
"""A bound for a busy machine; the figures are recorded."""

STORED = "SELECT payment_id, changes FROM tenancy.payments WHERE reference LIKE 'by %'"


@pytest.mark.exhaustive
async def test_the_application_goes_on(server_url: URL, record_property: Callable[[str, object], None]) -> None:
    """No statement of the application fails before the table is enforced, none waits long, and every row is right."""
    async with legacy_table(server_url, rows_of_each=ROWS // 6) as legacy:
        tenants = [party.tenant_id for bank in legacy.banks for party in bank.parties]
        clients = [Application(await legacy.connect(), tenants) for _ in range(CLIENTS)]
        running = [asyncio.create_task(client.run()) for client in clients]
        figures = [await measured(legacy, clients, None)]
        reading = [await seconds_to_read_all(legacy)]
        for command, *_ in (*STEPS[:-1], ("undo",), ("shadow",)):
            figures.append(await measured(legacy, clients, command))
        reading.append(await seconds_to_read_all(legacy))
        assert not any(task.done() for task in running)
        began = monotonic()
        await legacy.do("enforce")
        figures.append(f"enforce {monotonic() - began:.1f} s")

        ends = await asyncio.gather(*running, return_exceptions=True)
        assert {type(end) for end in ends} == {asyncpg.InsufficientPrivilegeError}
        assert await legacy.wrong_rows() == 0
        stored = {row["payment_id"]: row["changes"] for row in await legacy.admin.fetch(STORED)}
        assert stored == {payment: changes for client in clients for payment, changes in client.payments.items()}
        assert await legacy.admin.fetchval("SELECT count(*) FROM tenancy.payments") == ROWS + len(stored)
    record_property(
        f"{ROWS:,} rows are protected, {CLIENTS} clients",
        f"{'; '.join(figures)}; reading all rows {reading[0]:.1f} s before, {reading[1]:.1f} s in shadow",
    )


async def measured(legacy: LegacyTable, clients: list[Application], command: str | None) -> str:
    """Do a step, None for none, and tell how long it took and the longest statement of the clients meanwhile."""
    for client in clients:
        client.longest_seconds = 0.0
    began, before = monotonic(), sum(client.statements for client in clients)
    if command is None:
        await asyncio.sleep(UNDISTURBED_SECONDS)
    elif command == "undo":
        assert (await legacy.run(command)).exit_code == 0
    else:
        await legacy.do(command)
    seconds = monotonic() - began
    rate = (sum(client.statements for client in clients) - before) / seconds
    longest = max(client.longest_seconds for client in clients)
    assert longest < LONGEST_STALL_SECONDS
    return (
        f"{command or 'undisturbed'} {seconds:.1f} s (longest statement {longest * 1000:.0f} ms, {rate:.0f} a second)"
    )


async def seconds_to_read_all(legacy: LegacyTable) -> float:
    """Read every row as the application."""
    connection = await legacy.connect()
    began = monotonic()
    await connection.fetchval("SELECT sum(amount) FROM tenancy.payments")
    seconds = monotonic() - began
    await connection.close()
    return seconds
