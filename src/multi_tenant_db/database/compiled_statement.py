"""Statements that are compiled once, at import."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import SelectBase, TextClause, UpdateBase
from sqlalchemy.dialects.postgresql import asyncpg as dialects

from multi_tenant_db.database.failures import DRIVER_FAILURES, as_dbapi_error
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole

DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy

SIGNED_IN = """\
WITH caller AS MATERIALIZED (
    SELECT tenant_id, organization_id, caller_role
    FROM tenancy.sign_in(${token})
    WHERE pg_catalog.current_setting('transaction_isolation') = 'read committed'
)
SELECT caller.*, found.*
FROM caller LEFT JOIN LATERAL (SELECT true AS is_row, result.* FROM ({statement}) AS result) AS found ON true
"""
"""Presents the token and reads, in a transaction of one statement.

Without a join condition only a nested loop is possible, so the caller is signed in before the first row is read. The
policies of rows read earlier would find no token, and return none. The variable ends with the transaction.
Where the server's default isolation level is another, in which tokens are not valid, there is no caller and no row.
"""

IS_ROW = 3
"""Position of the column between those of the caller and of the statement; NULL when the statement has no rows."""


class CompiledStatement[Row]:
    """A SQLAlchemy statement that the driver runs on the connection of a session's transaction.

    A session would look the statement up, switch greenlets and build layered results for each execution.
    Values are bind parameters, converted by the columns' types in both directions.

    Make them at import, of constant text: a connection on which only such statements ran is not reset.
    """

    def __init__(
        self, statement: SelectBase | UpdateBase | TextClause, make_row: Callable[[Iterable[Any]], Row]
    ) -> None:
        compiled = statement.compile(dialect=DIALECT)
        self._text = str(compiled)
        self._writers = [
            (name, compiled.binds[name].type.dialect_impl(DIALECT).bind_processor(DIALECT))
            for name in compiled.positiontup or []
        ]
        columns = () if isinstance(statement, TextClause) else statement.exported_columns
        readers = [column.type.dialect_impl(DIALECT).result_processor(DIALECT, None) for column in columns]
        self._readers = [(position, reader) for position, reader in enumerate(readers) if reader]
        self._make_row = make_row
        self._signed_in = SIGNED_IN.format(token=len(self._writers) + 1, statement=self._text)

    async def fetch(self, driver: asyncpg.Connection, parameters: dict[str, Any]) -> Sequence[Row]:
        """Return all rows; raises DBAPIError."""
        records = await _run(driver, self._text, self._write(parameters))
        return [self._make_row(self._read(list(record))) for record in records]

    async def fetch_signed_in(
        self, driver: asyncpg.Connection, token: str, parameters: dict[str, Any]
    ) -> tuple[Caller, Sequence[Row]] | None:
        """Sign in and read, in a transaction of its own; return the caller and all rows. Only for a SELECT.

        Return None when the server's default isolation level is another than READ COMMITTED.

        A platform operator's rows are none: the role that reaches them is taken in a transaction of several statements.
        Raises DBAPIError.
        """
        records = await _run(driver, *self.message(token, parameters))
        if not records:
            return None
        tenant_id, organization_id, role = records[0][:IS_ROW]
        rows = [self._make_row(self._read(list(record)[IS_ROW + 1 :])) for record in records if record[IS_ROW]]
        return Caller(CallerRole(role), tenant_id, organization_id), rows

    def message(self, token: str, parameters: dict[str, Any]) -> tuple[str, list[Any]]:
        """Return the text that signs in and reads, and its values."""
        return self._signed_in, [*self._write(parameters), token]

    def _write(self, parameters: dict[str, Any]) -> list[Any]:
        return [writer(parameters[name]) if writer else parameters[name] for name, writer in self._writers]

    def _read(self, values: list[Any]) -> Iterable[Any]:
        for position, reader in self._readers:
            values[position] = reader(values[position])
        return values


async def _run(driver: asyncpg.Connection, message: str, values: Sequence[Any]) -> list[asyncpg.Record]:
    try:
        records: list[asyncpg.Record] = await driver.fetch(message, *values)
    except DRIVER_FAILURES as failure:
        raise as_dbapi_error(driver, message, failure) from failure
    return records
