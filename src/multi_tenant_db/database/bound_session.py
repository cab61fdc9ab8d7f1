"""The synchronous half of the session."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, orm


class BoundSession(orm.Session):
    """Works on the one connection of its Session, which is made when SQLAlchemy first asks for it."""

    connect: Callable[[], Connection]

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        """Return the connection, whatever the statement."""
        return self.connect()
