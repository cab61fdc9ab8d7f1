"""An answer even where the service has a defect, or stops."""

import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multi_tenant_db.errors import InternalError, RequestTimedOut
from multi_tenant_db.http.problem_responses import problem_response

log = structlog.get_logger()


class UnhandledErrors:
    """Responds to unhandled exceptions and cancellation, unless a response has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; log a defect with its traceback."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope["state"]
        is_answered = False

        async def note_answer(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive, note_answer)
        except Exception:
            log.exception("defect", request_id=state["request_id"])
            if is_answered:
                raise
            await problem_response(InternalError(), state)(scope, receive, send)
        except asyncio.CancelledError:
            # Only a service that stops cancels requests: those that outlast its patience.
            if is_answered:
                raise
            error = RequestTimedOut(headers={"Retry-After": "1"})
            await problem_response(error, state)(scope, receive, send)
