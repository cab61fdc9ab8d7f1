"""Statements that are compiled once, at import."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import asyncpg
from sqlalchemy import SelectBase, TextClause, UpdateBase
from sqlalchemy.dialects.postgresql import asyncpg as dialects

from multi_tenant_db.database.failures import DRIVER_FAILURES, as_dbapi_error

DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


class CompiledStatement[Row]:
    """A SQLAlchemy statement that the driver runs on the connection of a session's transaction.

    A session would look the statement up, switch greenlets and build layered results for each execution.
    Values are bind parameters, converted by the columns' types in both directions.
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

    async def fetch(self, driver: asyncpg.Connection, parameters: dict[str, Any]) -> Sequence[Row]:
        """Return all rows; raises DBAPIError."""
        try:
            records = await driver.fetch(self._text, *self._write(parameters))
        except DRIVER_FAILURES as failure:
            raise as_dbapi_error(driver, self._text, failure) from failure
        return [self._make_row(self._read(record)) for record in records]

    def _write(self, parameters: dict[str, Any]) -> Iterator[Any]:
        for name, writer in self._writers:
            yield writer(parameters[name]) if writer else parameters[name]

    def _read(self, record: Iterable[Any]) -> Iterable[Any]:
        values = list(record)
        for position, reader in self._readers:
            values[position] = reader(values[position])
        return values
