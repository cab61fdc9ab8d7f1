"""The OpenAPI document, held against every answer."""

import re
from typing import Any

import httpx

from tests.support.schemas import Schemas


class Contract:
    """Checks that an answer is one which the document declares: status, media type, headers, body."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.schemas = Schemas(document)
        self._paths = {re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): item for path, item in document["paths"].items()}

    async def check(self, response: httpx.Response) -> None:
        """Fail on an undeclared answer; meant as a response hook of an httpx client."""
        operation = self._find_operation(response.request)
        if operation is None:
            return
        await response.aread()
        status = str(response.status_code)
        what = f"{response.request.method} {response.request.url.path} -> {status}"
        assert status in operation["responses"], f"{what} is not declared: {response.text}"
        declared = operation["responses"][status]
        promised = [name for name, header in declared.get("headers", {}).items() if header.get("required")]
        missing = [name for name in promised if name not in response.headers]
        assert not missing, f"{what} lacks {missing}"
        if not response.content:
            assert "content" not in declared, f"{what} has no body, and the document says that it has"
            return
        media_type = response.headers["content-type"]
        assert media_type in declared["content"], f"{what} came as {media_type}"
        schema = declared["content"][media_type]["schema"]
        assert self.schemas.violations(response.json(), schema) == [], what

    def _find_operation(self, request: httpx.Request) -> dict[str, Any] | None:
        for path, item in self._paths.items():
            if path.fullmatch(request.url.path):
                operation: dict[str, Any] | None = item.get(request.method.lower())
                return operation
        return None
