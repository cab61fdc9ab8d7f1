"""The session that repositories work with."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only

from multi_tenant_db.database.bound_session import BoundSession
from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.connection_pool import NEEDS_RESET
from multi_tenant_db.identity.caller import Caller

type Begin = Callable[[], Awaitable[tuple[Engine, PoolProxiedConnection]]]
type ReadAlone = Callable[[CompiledStatement[Any], dict[str, Any]], Awaitable[tuple[Caller, Sequence[Any]] | None]]


class Session(AsyncSession):
    """SQLAlchemy's, on one connection, which also runs statements that are compiled once, in the same transaction.

    The transaction begins with the first statement: `begin` takes an engine's connection and returns
    both, in a transaction. It ends
    with the block that opened the session: a streamed response or a background task cannot use the session.
    A read before that needs no transaction: `read_alone` signs in and reads in one message, or returns None.
    """

    sync_session_class = BoundSession
    sync_session: BoundSession

    def __init__(
        self,
        begin: Begin,
        read_alone: ReadAlone | None = None,
    ) -> None:
        super().__init__(expire_on_commit=False, autoflush=False)
        self.sync_session.connect = self._connection_of_sqlalchemy
        self._begin = begin
        self._engine: Any = None
        self._read_alone = read_alone
        self._connection: PoolProxiedConnection | None = None
        self._driver: asyncpg.Connection = None
        self._of_sqlalchemy: Connection | None = None
        self.caller: Caller | None = None

    async def begin_once(self) -> PoolProxiedConnection:
        """Begin the transaction, unless it has begun; return its connection."""
        if self._connection is None:
            self._engine, self._connection = await self._begin()
            self._driver = self._connection.driver_connection
        return self._connection

    def end(self) -> None:
        """Detach from the connection, which another caller gets next; later statements raise RuntimeError."""
        if self._of_sqlalchemy is not None:
            self._of_sqlalchemy._dbapi_connection = None  # noqa: SLF001 - close() would return it to the pool
            setattr(self._of_sqlalchemy, "_Connection__can_reconnect", False)  # noqa: B010 - it would reconnect
        self._of_sqlalchemy = self._connection = self._driver = None
        self._begin = _has_ended
        self._read_alone = None

    async def rollback(self) -> None:
        """Raise RuntimeError: only an exception that leaves the block rolls the transaction back."""
        raise RuntimeError("raise an exception instead: when it leaves the block, the transaction is rolled back")

    async def stream(self, *_: Any, **__: Any) -> Any:
        """Raise RuntimeError: a stream could be read in the next caller's transaction."""
        raise RuntimeError("read all rows with execute() or scalars(): a stream outlives the session")

    def begin(self) -> Any:
        """Raise RuntimeError, as `rollback` does; `begin_nested` makes a savepoint."""
        raise RuntimeError("the transaction has its own begin and end: use begin_nested() for a part of it")

    async def sign_in(self) -> Caller:
        """Return the caller; begin the transaction, unless a statement ran. Raises DBAPIError for an invalid token."""
        if self.caller is None:
            await self.begin_once()
        if self.caller is None:
            raise TypeError("this session has no caller: open it with tenant_session()")
        return self.caller

    async def fetch[Row](self, statement: CompiledStatement[Row], **parameters: Any) -> Sequence[Row]:
        """Return all rows; raises DBAPIError, as the other methods do."""
        if self._connection is None:
            await self.begin_once()
        return await statement.fetch(self._driver, parameters)

    async def read[Row](self, statement: CompiledStatement[Row], **parameters: Any) -> Sequence[Row]:
        """Return all rows of a SELECT; in one message, without a transaction, unless one has begun."""
        if self._connection is None and self._read_alone is not None:
            self.caller = None  # a token that is refused now is verified again at the end of the block
            answer = await self._read_alone(statement, parameters)
            if answer is not None:
                self.caller, rows = answer
                return rows
        return await self.fetch(statement, **parameters)

    def _connection_of_sqlalchemy(self) -> Connection:
        """Return SQLAlchemy's object for the connection; called inside a greenlet, where await_only() waits."""
        if self._of_sqlalchemy is None:
            connection = await_only(self.begin_once())
            connection.info[NEEDS_RESET] = True
            self._of_sqlalchemy = Connection(self._engine, connection)
        return self._of_sqlalchemy


async def _has_ended() -> tuple[Engine, PoolProxiedConnection]:
    raise RuntimeError("this session's transaction has ended; open a new one for what runs later")
