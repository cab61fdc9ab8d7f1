"""Runs SQL as the service's role, in the way that an injection could."""

from collections.abc import Sequence
from io import BytesIO

import asyncpg

from multi_tenant_db.testing.isolation_caller import IsolationCaller
from multi_tenant_db.testing.outcome import Outcome
from multi_tenant_db.testing.table_shape import KEY, TableShape
from multi_tenant_db.testing.verbs import COPY_FROM, COPY_TO

PRESENT = "SELECT set_config('app.current_tenant', $1, true)"


class Attacker:
    """A connection of tenancy_api. Each statement has a transaction of its own, which is rolled back."""

    def __init__(self, connection: asyncpg.Connection, table: TableShape) -> None:
        self._connection = connection
        self._table = table

    async def attempt(
        self, caller: IsolationCaller, verb: str, statement: str, arguments: Sequence[object] = ()
    ) -> Outcome:
        """Present the caller's token, if there is one, run the statement, and return what came of it."""
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            if caller.token is not None:
                await self._connection.execute(PRESENT, caller.token)
            if caller.as_platform:
                await self._connection.execute("SET LOCAL ROLE tenancy_platform")
            return await self._run(verb, statement, arguments)
        except asyncpg.PostgresError as error:
            return Outcome(sqlstate=error.sqlstate or "", message=str(error))
        finally:
            await transaction.rollback()

    async def _run(self, verb: str, statement: str, arguments: Sequence[object]) -> Outcome:
        if verb == COPY_TO:
            return await self._copied_out()
        if verb == COPY_FROM:
            return await self._copied_in()
        if "RETURNING" in statement or statement.startswith("SELECT"):
            rows = [tuple(row) for row in await self._connection.fetch(statement, *arguments)]
            return Outcome(rows, len(rows))
        status: str = await self._connection.execute(statement, *arguments)
        number = status.rpartition(" ")[2]
        return Outcome(affected=int(number) if number.isdigit() else 0)

    async def _copied_out(self) -> Outcome:
        copied = bytearray()

        async def collect(data: bytes) -> None:
            copied.extend(data)

        table = self._table
        await self._connection.copy_from_table(
            table.relation_name, schema_name=table.schema_name, columns=KEY, output=collect
        )
        rows = [tuple(line.split("\t")) for line in copied.decode().splitlines()]
        return Outcome(rows, len(rows))

    async def _copied_in(self) -> Outcome:
        table = self._table
        try:
            await self._connection.copy_to_table(
                table.relation_name, schema_name=table.schema_name, columns=KEY, source=BytesIO()
            )
        except asyncpg.FeatureNotSupportedError as error:  # under row level security PostgreSQL has no COPY FROM
            return Outcome(sqlstate="42501", message=str(error))
        return Outcome()
