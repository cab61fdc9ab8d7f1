"""What every refusal has in common."""

from typing import Any

from tests.support.wire_answer import WireAnswer


def check_problem(answer: WireAnswer, status: int, code: str) -> Any:
    """Demand a complete problem document (RFC 9457) of this kind, and return it."""
    assert answer.header("content-type") == "application/problem+json"
    problem = answer.json()
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:multi-tenant-db:{code}"
    assert problem["request_id"] == answer.header("x-request-id")
    assert problem["title"]
    assert problem["detail"].endswith(".")
    return problem
