"""The one format of every error, as a test expects it."""

from typing import Any

import httpx

from multi_tenant_db.schemas import Problem

MEDIA_TYPE = "application/problem+json"


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem document, after checking everything that all of them share."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.headers["cache-control"] == "private, no-cache"
    document: dict[str, Any] = response.json()
    problem = Problem.model_validate(document, strict=True)
    assert problem.model_dump(exclude_none=True) == document, "a member that the schema does not name"
    assert (problem.status, problem.code) == (status, code)
    assert problem.type == f"urn:multi-tenant-db:{code}"
    assert problem.request_id == response.headers["x-request-id"]
    return document


def pointers(response: httpx.Response) -> list[str]:
    """Return where a 422 says that the request is wrong."""
    return [error["pointer"] for error in assert_problem(response, 422, "invalid_request")["errors"]]
