"""The servers of the service, and which of them a token belongs to."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Self

import structlog
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.connecting import Connect
from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.engine import create_engine, service_url, standby_urls
from multi_tenant_db.database.read_routing import ReadRouting
from multi_tenant_db.database.routed_destination import RoutedDestination
from multi_tenant_db.database.server import Server
from multi_tenant_db.database.standby import Standby
from multi_tenant_db.database.write_times import WriteTimes
from multi_tenant_db.errors import AuthenticationRequired, DatabaseUnavailable
from multi_tenant_db.identity.access_token import server_of
from multi_tenant_db.server_label import DEFAULT_SERVER
from multi_tenant_db.settings import Settings

MOST_MOVED = 10_000
"""Tokens whose new server is remembered; the least recently used is asked for again."""

PATIENCE_SECONDS = 1.0
"""Longest wait for a connection to a standby: the primary may have one."""

log = structlog.get_logger()


class Servers:
    """All servers by label. An organisation lives on one; nothing refers from one organisation to another.

    A token's label names the server to ask first. A server that gave the token's organisation away names the next.
    Neither grants anything: the server at the end verifies the token.
    """

    def __init__(self, *servers: Server, write_times: WriteTimes | None = None) -> None:
        self._write_times = write_times
        self._servers = {server.label: server for server in servers}
        self._moved: OrderedDict[str, str] = OrderedDict()
        self.only = Destination(servers[0].engine) if len(servers) == 1 and servers[0].reads is None else None
        """Where every request goes when there is one server, and no standby for reads."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the servers of the settings, as the service's role; no connection is opened yet."""
        write_times = WriteTimes(settings.writes_file) if settings.read_database_url or settings.read_servers else None

        def server(label: str) -> Server:
            own = settings.of_server(label)
            url = service_url(own)
            server = Server(label, create_engine(url, own), create_engine(url, own, connections=1))
            if write_times is not None and (standbys := _standbys(own)):
                server.reads = ReadRouting(url, standbys, write_times)
            return server

        return cls(*map(server, (DEFAULT_SERVER, *settings.servers)), write_times=write_times)

    def __iter__(self) -> Iterator[Server]:
        return iter(self._servers.values())

    def __len__(self) -> int:
        return len(self._servers)

    @property
    def default(self) -> Server:
        """The server of MTDB_DATABASE_URL."""
        return self._servers[DEFAULT_SERVER]

    def destination(self, token: str, *, writes_nothing: bool = False) -> RoutedDestination:
        """Return where a request with the token goes. Raises AuthenticationRequired, DatabaseUnavailable."""
        label = self._moved.get(token) or server_of(token)
        if label not in self._servers:
            raise AuthenticationRequired
        note_move = partial(self._moved_to, token)
        destination = RoutedDestination(self._available(label), note_move, writes_nothing=writes_nothing)
        destination.write_times = self._write_times
        return destination

    def _moved_to(self, token: str, label: str) -> Server:
        """Note to which server a token's organisation has moved, and return it. Raises DatabaseUnavailable."""
        if label not in self._servers:
            log.error("an organisation has moved to a server that no setting names", server=label)
            raise DatabaseUnavailable
        server = self._available(label)
        if label == server_of(token):
            self._moved.pop(token, None)
            return server
        self._moved[token] = label
        self._moved.move_to_end(token)
        if len(self._moved) > MOST_MOVED:
            self._moved.popitem(last=False)
        return server

    def _available(self, label: str) -> Server:
        server = self._servers[label]
        if server.awaits_check:
            raise DatabaseUnavailable
        return server

    async def dispose(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(server.dispose() for server in self))
        if self._write_times is not None:
            self._write_times.close()


def _standbys(settings: Settings) -> list[Standby]:
    """Return the standbys of one server. Without prepared statements no read is one message, so there are none."""
    if not settings.prepared_statements:
        return []
    less_patient = settings.model_copy(
        update={
            "pool_timeout_seconds": min(settings.pool_timeout_seconds, PATIENCE_SECONDS),
            "connect_timeout_seconds": min(settings.connect_timeout_seconds, PATIENCE_SECONDS),
        }
    )

    def standby(url: URL) -> Standby:
        def make_engine(connect: Connect) -> AsyncEngine:
            return create_engine(url, less_patient, connect=connect)

        return Standby(url, make_engine, max_lag_seconds=settings.read_max_lag_seconds)

    return [standby(url) for url in standby_urls(settings)]
