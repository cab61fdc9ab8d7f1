"""Example responses for the OpenAPI document."""

from typing import Any

from multi_tenant_db import __version__

TENANT: dict[str, Any] = {
    "tenant_id": "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a",
    "name": "HSBC Hong Kong",
    "tenant_type": "subsidiary",
    "parent_tenant_id": "019a9f3e-1f00-7aa0-8c11-9d0e6b3f4c21",
    "metadata": {"country": "HK", "currency": "HKD"},
    "version": 1,
    "created_at": "2026-11-21T09:30:00Z",
    "updated_at": "2026-11-21T09:30:00Z",
}
REPLACED_TENANT: dict[str, Any] = TENANT | {"version": 2, "updated_at": "2026-11-22T14:05:00Z"}
PAGE: dict[str, Any] = {"items": [TENANT], "next_cursor": "AZqfPlwbfUKaUT8Mbx4regGan0Eefg9Rhv1Dx2ZrTPg"}

HEALTHY: dict[str, Any] = {
    "status": "healthy",
    "version": __version__,
    "database": "connected",
    "schema_revision": "current",
}
UNHEALTHY: dict[str, Any] = HEALTHY | {
    "status": "unhealthy",
    "database": "unreachable",
    "schema_revision": "unknown",
}
