"""What pages of other origins may do (CORS)."""

from http import HTTPStatus

from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from multi_tenant_db.errors import PreflightRefused
from multi_tenant_db.http.problem_responses import problem_response


class CrossOrigin(CORSMiddleware):
    """Answers a preflight that it refuses with a problem document, as every other refusal is answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; pass any other request on, and add to its answer what the page may read."""
        try:
            await super().__call__(scope, receive, send)
        except PreflightRefused as refusal:
            await problem_response(refusal, scope["state"])(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the answer to a preflight; raises PreflightRefused."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            return answer
        headers = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        raise PreflightRefused(f"{bytes(answer.body).decode()}. {PreflightRefused.detail}", headers=headers)
