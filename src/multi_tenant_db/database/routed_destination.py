"""Where a request's statements go when there may be several servers."""

from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.failures import moved_to
from multi_tenant_db.database.server import Server
from multi_tenant_db.errors import DatabaseUnavailable


class RoutedDestination(Destination):
    """Begins at one server and follows an organisation that has moved to another."""

    def __init__(self, server: Server, note_move: Callable[[str], Server], *, writes_nothing: bool = False) -> None:
        super().__init__(server.engine, server.reads, writes_nothing=writes_nothing)
        self._note_move = note_move
        self._asked = [server]

    def follow(self, failure: DBAPIError) -> None:
        """Choose the server that the failure names; raise any other failure.

        Raises DatabaseUnavailable if that server has been asked already, as it may be while an organisation moves back.
        """
        label = moved_to(failure)
        if label is None:
            raise failure
        server = self._note_move(label)
        if server in self._asked:
            raise DatabaseUnavailable from failure
        self._asked.append(server)
        self.engine, self.reads = server.engine, server.reads
