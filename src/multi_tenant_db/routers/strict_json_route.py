"""A route that reads bodies strictly."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from multi_tenant_db.errors import BodyTooSlow
from multi_tenant_db.routers.signed_in_route import SignedInRoute
from multi_tenant_db.routers.strict_json_request import STOP_READING, StrictJsonRequest


class StrictJsonRoute(SignedInRoute):
    """Where an endpoint declares a body, reads it before a connection is taken, and stricter than FastAPI would."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler that signs in."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def read_strictly(request: Request) -> Response:
            settings = request.app.state.settings
            strict = StrictJsonRequest(request.scope, request.receive)
            try:
                async with asyncio.timeout(settings.body_timeout_seconds):
                    await strict.read_json(settings.max_body_bytes)
            except TimeoutError as error:
                raise BodyTooSlow(headers=STOP_READING) from error
            return await handle(strict)

        return read_strictly
