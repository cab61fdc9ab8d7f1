"""A route that waits for the whole request."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from multi_tenant_db.errors import BodyTooSlow
from multi_tenant_db.http.strict_json_request import STOP_READING, StrictJsonRequest

BODY_HEADERS = ("content-length", "transfer-encoding")
"""A request without them has no body (RFC 9112, section 6.3)."""


class WholeRequestRoute(APIRoute):
    """Runs its endpoint after the whole request has arrived, and parses JSON more strictly than FastAPI.

    A body that the endpoint does not use is also read to its end: a request with a malformed end is not executed. The
    limits of size and time are the same.

    HEAD is served as GET (RFC 9110, section 9.3.2), and the server sends no body. FastAPI refuses it, and an additional
    endpoint would be in the OpenAPI document.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match HEAD as GET."""
        return super().matches(_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve HEAD as GET."""
        await super().handle(_as_get(scope), receive, send)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the endpoint's handler."""
        handle = self.get_endpoint_handler()
        takes_body = self.body_field is not None

        async def read_strictly(request: Request) -> Response:
            if not takes_body and not any(name in request.headers for name in BODY_HEADERS):
                return await handle(request)
            settings = request.app.state.settings
            strict = StrictJsonRequest(request.scope, request.receive)
            read = strict.read_json if takes_body else strict.skip_body
            try:
                async with asyncio.timeout(settings.body_timeout_seconds):
                    await read(settings.max_body_bytes)
            except TimeoutError as error:
                raise BodyTooSlow(headers=STOP_READING) from error
            return await handle(strict)

        return read_strictly

    def get_endpoint_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, which validates the request and runs the endpoint."""
        return super().get_route_handler()


def _as_get(scope: Scope) -> Scope:
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
