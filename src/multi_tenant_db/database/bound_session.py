"""The synchronous half of the session."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, orm


class BoundSession(orm.Session):
    """Uses the one connection of its Session, which is acquired at SQLAlchemy's first use."""

    connect: Callable[[], Connection]

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        """Return the connection, for any statement."""
        return self.connect()

    def begin(self, nested: bool = False) -> orm.SessionTransaction:
        """Raise RuntimeError unless nested: the transaction is not SQLAlchemy's."""
        if not nested:
            raise RuntimeError("the transaction has its own begin and end: use begin_nested() for a part of it")
        return super().begin(nested)

    def rollback(self) -> None:
        """Raise RuntimeError: only an exception that leaves the block rolls the transaction back."""
        raise RuntimeError("raise an exception instead: when it leaves the block, the transaction is rolled back")
