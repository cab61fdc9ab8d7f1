"""An application at work on its table, which knows what was acknowledged."""

import random
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg

INSERT = "INSERT INTO tenancy.payments (tenant_id, reference, amount) VALUES ($1, $2, 1) RETURNING payment_id"
UPDATE = "UPDATE tenancy.payments SET changes = changes + 1 WHERE payment_id = $1 RETURNING changes"
TOUCH = "UPDATE tenancy.payments SET amount = amount + 1 WHERE payment_id = ANY ($1::bigint[]) RETURNING amount"
READ = "SELECT amount FROM tenancy.payments WHERE payment_id = $1"
DELETE = "DELETE FROM tenancy.payments WHERE payment_id = $1 RETURNING changes"
OLD_ROWS = 30_000


class Application:
    """Inserts, updates, reads and deletes rows, its own and those that were there, until it is refused."""

    def __init__(self, connection: asyncpg.Connection, tenants: list[UUID]) -> None:
        self.statements = 0
        self.longest_seconds = 0.0
        self.payments: dict[int, int] = {}
        """The number of changes, by the id of its own rows."""
        self._connection = connection
        self._tenants = tenants

    async def run(self) -> None:
        """Work for ever. Raises what the database refuses."""
        while True:
            payment = await self._send(INSERT, random.choice(self._tenants), f"by {id(self)}")
            self.payments[payment] = 0
            other = random.choice([*self.payments][-100:])
            self.payments[other] = await self._send(UPDATE, other)
            old = random.sample(range(1, OLD_ROWS), 5)
            await self._send(TOUCH, sorted(old))
            await self._send(READ, old[0])
            if random.random() < 0.1:
                gone = random.choice([*self.payments][-100:])
                await self._send(DELETE, gone)
                del self.payments[gone]

    async def _send(self, statement: str, *arguments: Any) -> Any:
        began = monotonic()
        value = await self._connection.fetchval(statement, *arguments)
        self.longest_seconds = max(self.longest_seconds, monotonic() - began)
        self.statements += 1
        assert value is not None
        return value
