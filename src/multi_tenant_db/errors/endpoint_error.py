"""Any status: what an endpoint says by FastAPI's HTTPException."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from multi_tenant_db.errors.application_error import ApplicationError


class EndpointError(ApplicationError):
    """Keeps the status, the detail and the headers that an endpoint chose; the code is the status's name."""

    def __init__(self, status: int, detail: Any, headers: Mapping[str, str] | None) -> None:
        try:
            name = HTTPStatus(status).phrase
        except ValueError:
            name = f"Status {status}"
        super().__init__(detail if isinstance(detail, str) else json.dumps(detail), headers=headers)
        self.status = status  # type: ignore[misc]  # of this one, not of all
        self.title = name  # type: ignore[misc]
        self.code = name.lower().replace(" ", "_").replace("-", "_").replace("'", "")  # type: ignore[misc]
