"""A route that reads bodies strictly."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from multi_tenant_db.routers.strict_json_request import StrictJsonRequest


class StrictJsonRoute(APIRoute):
    """Where an endpoint declares a body, reads it before FastAPI does, which would forgive too much."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def read_strictly(request: Request) -> Response:
            strict = StrictJsonRequest(request.scope, request.receive)
            await strict.read_json(request.app.state.settings.max_body_bytes)
            return await handle(strict)

        return read_strictly
