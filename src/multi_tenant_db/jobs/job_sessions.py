"""Sessions of a worker process, on every server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self
from uuid import UUID

from multi_tenant_db.database.engine import create_engine, operator_url, service_url
from multi_tenant_db.database.session import Session
from multi_tenant_db.jobs.sessions import USUAL_LIFETIME, organization_session, platform_session
from multi_tenant_db.settings import Settings


class JobSessions:
    """Opens the sessions of jobs by the label of a server; no connection is opened before the first.

    The process needs the passwords of tenancy_operator and tenancy_api. Close it with `async with`.
    """

    def __init__(self, settings: Settings) -> None:
        self.servers = settings.server_labels
        own = {label: settings.of_server(label) for label in self.servers}
        self._operators = {label: create_engine(operator_url(its), its) for label, its in own.items()}
        self._service = {label: create_engine(service_url(its), its) for label, its in own.items()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for engine in (*self._operators.values(), *self._service.values()):
            await engine.dispose()

    @asynccontextmanager
    async def platform(
        self, server: str, label: str, *, request_id: str | None = None, lifetime: timedelta = USUAL_LIFETIME
    ) -> AsyncIterator[Session]:
        """Open `platform_session` on a server."""
        operators = self._operators[server]
        async with platform_session(operators, label, request_id=request_id, lifetime=lifetime) as session:
            yield session

    @asynccontextmanager
    async def organization(
        self,
        server: str,
        organization_id: UUID,
        label: str,
        *,
        request_id: str | None = None,
        lifetime: timedelta = USUAL_LIFETIME,
    ) -> AsyncIterator[Session]:
        """Open `organization_session` on a server."""
        engines = self._operators[server], self._service[server]
        async with organization_session(
            *engines, organization_id, label, request_id=request_id, lifetime=lifetime
        ) as session:
            yield session
