"""The same requests in GraphQL."""

import json
from typing import Any
from uuid import UUID

from benchmarks.data.caller import Caller
from benchmarks.load.http import compose
from benchmarks.peers.dialect import Dialect
from benchmarks.peers.rest_dialect import METADATA

TENANT = "{ tenantId name tenantType parentTenantId metadata version createdAt updatedAt }"
READ = f"query($id: UUID!) {{ tenant: tenantByTenantId(tenantId: $id) {TENANT} }}"
PAGE = f"""query($limit: Int!) {{
    page: allTenants(first: $limit, orderBy: TENANT_ID_ASC) {{ nodes {TENANT} pageInfo {{ hasNextPage }} }}
}}"""
CREATE = f"mutation($tenant: TenantInput!) {{ createTenant(input: {{tenant: $tenant}}) {{ tenant {TENANT} }} }}"
REPLACE = f"""mutation($id: UUID!, $patch: TenantPatch!) {{
    updateTenantByTenantId(input: {{tenantId: $id, tenantPatch: $patch}}) {{ tenant {TENANT} }}
}}"""
DELETE = "mutation($id: UUID!) { deleteTenantByTenantId(input: {tenantId: $id}) { tenant { tenantId } } }"
NAMES = {
    "tenantId": "tenant_id",
    "tenantType": "tenant_type",
    "parentTenantId": "parent_tenant_id",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}


class GraphqlDialect(Dialect):
    """Every response has status 200; only its content shows errors."""

    created = 200
    deleted = 200

    def __init__(self, subsidiary: str) -> None:
        self._subsidiary = subsidiary
        """The enumeration's value, which the versions spell differently."""

    def read(self, caller: Caller, tenant_id: UUID) -> bytes:
        """Query by the unique column."""
        return _ask(caller, READ, {"id": str(tenant_id)})

    def page(self, caller: Caller, limit: int, after: UUID | None = None) -> bytes:
        """Query a connection."""
        if after:
            raise NotImplementedError("only first pages are compared")
        return _ask(caller, PAGE, {"limit": limit})

    def create(self, caller: Caller, name: str) -> bytes:
        """Mutation."""
        tenant = {"name": name, "tenantType": self._subsidiary, "parentTenantId": str(caller.tenant_id)}
        return _ask(caller, CREATE, {"tenant": {**tenant, "metadata": METADATA}})

    def replace(self, caller: Caller, tenant_id: UUID, name: str) -> bytes:
        """Mutation."""
        return _ask(caller, REPLACE, {"id": str(tenant_id), "patch": {"name": name, "metadata": METADATA}})

    def delete(self, caller: Caller, tenant_id: UUID) -> bytes:
        """Mutation."""
        return _ask(caller, DELETE, {"id": str(tenant_id)})

    def deleted_text(self, tenant_id: UUID) -> bytes:
        """The id, which an error would not contain."""
        return f'"tenantId":"{tenant_id}"'.encode()

    def tenant_in(self, body: bytes) -> dict[str, Any]:
        """The data, with the service's field names."""
        return _with_field_names(json.loads(body)["data"]["tenant"])

    def page_in(self, body: bytes) -> tuple[list[dict[str, Any]], bool]:
        """The nodes, and the connection's `hasNextPage`."""
        page = json.loads(body)["data"]["page"]
        return [_with_field_names(node) for node in page["nodes"]], page["pageInfo"]["hasNextPage"]


def _ask(caller: Caller, query: str, variables: dict[str, Any]) -> bytes:
    headers = {"X-Tenant-Id": str(caller.tenant_id)}
    return compose("POST", "/graphql", headers, {"query": query, "variables": variables})


def _with_field_names(node: dict[str, Any]) -> dict[str, Any]:
    tenant = {NAMES.get(name, name): value for name, value in node.items()}
    return tenant | {"tenant_type": tenant["tenant_type"].lower()}
