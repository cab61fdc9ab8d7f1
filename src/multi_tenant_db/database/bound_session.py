"""The synchronous half of the session."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, orm


class BoundSession(orm.Session):
    """Works on one connection, and makes SQLAlchemy's object for it only for a statement that is not a compiled one."""

    def __init__(self, *, connect: Callable[[], Connection], **options: Any) -> None:
        super().__init__(**options)
        self._connect = connect

    @cached_property
    def _connection(self) -> Connection:
        return self._connect()

    def let_go(self) -> None:
        """Take the connection from SQLAlchemy's object, which others may hold, and forget it."""
        connection = self.__dict__.pop("_connection", None)
        if connection is not None:
            connection._dbapi_connection = None  # noqa: SLF001 - close() would give it back to the pool
            connection._Connection__can_reconnect = False  # noqa: SLF001 - or it would take a new one from the pool

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        """Return the connection, whatever the statement."""
        return self._connection
