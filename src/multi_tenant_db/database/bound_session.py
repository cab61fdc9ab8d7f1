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
