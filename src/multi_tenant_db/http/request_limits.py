"""Limits that hold for every request, whatever it asks."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multi_tenant_db.errors import ApplicationError, RequestTimedOut, ServiceOverloaded
from multi_tenant_db.http.problem_responses import problem_response
from multi_tenant_db.http.request_head import refusal_of_head
from multi_tenant_db.settings import Settings

HEALTH = "/health"
"""Never turned away: who restarts unhealthy services must not mistake a busy one for a dead one."""

RETRY_SOON = {"Retry-After": "1"}


class RequestLimits:
    """Turns away what is too large or too much at once, gives up what takes too long; nothing queues without end."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await problem_response(refusal, scope["state"])(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._within_the_time(scope, receive, send)
        finally:
            self._under_way -= 1

    def _refusal(self, scope: Scope) -> ApplicationError | None:
        if self._under_way >= self._settings.max_concurrent_requests and scope["path"] != HEALTH:
            return ServiceOverloaded(headers=RETRY_SOON)
        return refusal_of_head(scope, self._settings.max_header_bytes)

    async def _within_the_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        deadline = asyncio.timeout(self._settings.request_timeout_seconds)
        try:
            async with deadline:
                await self._app(scope, receive, note_start)
        except TimeoutError:
            # Half an answer cannot be taken back: the server then breaks the connection.
            if started or not deadline.expired():
                raise
            error = RequestTimedOut(headers=RETRY_SOON)
            await problem_response(error, scope["state"])(scope, receive, send)
