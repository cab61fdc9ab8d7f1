"""Cross-origin requests (CORS)."""

from http import HTTPStatus

from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from multi_tenant_db.errors import PreflightRefused
from multi_tenant_db.http.problem_responses import problem_response


class CrossOrigin(CORSMiddleware):
    """Starlette's middleware, which responds to a refused preflight with a problem document."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a preflight; pass any other request on and add the CORS headers to its response."""
        try:
            await super().__call__(scope, receive, send)
        except PreflightRefused as refusal:
            await problem_response(refusal, scope["state"])(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the response to a preflight; raises PreflightRefused."""
        response = super().preflight_response(request_headers)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        raise PreflightRefused(f"{bytes(response.body).decode()}. {PreflightRefused.detail}", headers=headers)
