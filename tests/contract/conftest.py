"""Where the OpenAPI document comes from."""

from typing import Any

import pytest
from fastapi import FastAPI


@pytest.fixture(scope="session")
def document(app: FastAPI) -> dict[str, Any]:
    """Give the document."""
    document: dict[str, Any] = app.openapi()
    return document
