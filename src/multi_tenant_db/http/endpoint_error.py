"""An error that an endpoint raises as FastAPI's HTTPException."""

import json
import re
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException


class EndpointError(Exception):
    """Keeps the endpoint's status, detail and headers; the code is the status's name."""

    def __init__(self, raised: HTTPException) -> None:
        detail: Any = raised.detail  # FastAPI's accepts any JSON
        super().__init__(detail if isinstance(detail, str) else json.dumps(detail))
        try:
            self.title = HTTPStatus(raised.status_code).phrase
        except ValueError:
            self.title = f"Status {raised.status_code}"
        self.status = raised.status_code
        self.code = re.sub(r"\W+", "_", self.title.replace("'", "").lower())
        self.headers = dict(raised.headers or {})
        self.members: dict[str, Any] = {}
