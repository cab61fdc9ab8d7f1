"""What an endpoint says by FastAPI's HTTPException, with a status of its own."""

import json
import re
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException


class EndpointError(Exception):
    """Keeps the status, the detail and the headers that an endpoint chose; the code is the status's name."""

    def __init__(self, chosen: HTTPException) -> None:
        detail: Any = chosen.detail  # FastAPI's takes any JSON
        super().__init__(detail if isinstance(detail, str) else json.dumps(detail))
        try:
            self.title = HTTPStatus(chosen.status_code).phrase
        except ValueError:
            self.title = f"Status {chosen.status_code}"
        self.status = chosen.status_code
        self.code = re.sub(r"\W+", "_", self.title.replace("'", "").lower())
        self.headers = dict(chosen.headers or {})
        self.members: dict[str, Any] = {}
