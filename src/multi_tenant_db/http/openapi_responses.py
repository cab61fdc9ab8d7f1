"""Successful responses in the OpenAPI document."""

from typing import Any

ETAG: dict[str, Any] = {
    "ETag": {"required": True, "description": "The version in quotes.", "schema": {"type": "string"}, "example": '"1"'},
}
LOCATION: dict[str, Any] = {
    "Location": {
        "required": True,
        "description": "Path of the new tenant.",
        "schema": {"type": "string"},
        "example": "/tenants/019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a",
    }
}
LINK: dict[str, Any] = {
    "Link": {
        "description": 'The next page, rel="next"; absent on the last page.',
        "schema": {"type": "string"},
        "example": '</tenants?limit=20&cursor=AZqfPlwbfUKaUT8Mbx4regGan0Eefg9Rhv1Dx2ZrTPg>; rel="next"',
    }
}


def declare_response(
    status: int, description: str, example: dict[str, Any], *headers: dict[str, Any]
) -> dict[int | str, dict[str, Any]]:
    """Return an entry for an endpoint's `responses`, without the model."""
    merged = {name: declaration for header in headers for name, declaration in header.items()}
    declaration: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"example": example}},
    }
    return {status: declaration | ({"headers": merged} if merged else {})}
