"""The five endpoints that need a token, each with contents that pass validation."""

from typing import Any
from uuid import UUID

from tests.support.bodies import a_replacement, a_subsidiary_of

SOME_ID = UUID("019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a")
"""The id of no tenant."""

SIGNED_IN_ENDPOINTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/tenants", {}),
    ("POST", "/tenants", {"json": a_subsidiary_of(SOME_ID)}),
    ("GET", f"/tenants/{SOME_ID}", {}),
    ("PUT", f"/tenants/{SOME_ID}", {"json": a_replacement()}),
    ("DELETE", f"/tenants/{SOME_ID}", {}),
]
