"""The bodies of requests and responses."""

from multi_tenant_db.schemas.health_read import HealthRead
from multi_tenant_db.schemas.no_query import NoQuery
from multi_tenant_db.schemas.optional_parameter import OptionalParameter
from multi_tenant_db.schemas.problem import Problem
from multi_tenant_db.schemas.problem_detail import ProblemDetail
from multi_tenant_db.schemas.server_health import ServerHealth
from multi_tenant_db.schemas.tenant_create import TenantCreate
from multi_tenant_db.schemas.tenant_delete_query import TenantDeleteQuery
from multi_tenant_db.schemas.tenant_list_query import TenantListQuery
from multi_tenant_db.schemas.tenant_page import TenantPage
from multi_tenant_db.schemas.tenant_read import TenantRead
from multi_tenant_db.schemas.tenant_update import TenantUpdate

__all__ = [
    "HealthRead",
    "NoQuery",
    "OptionalParameter",
    "Problem",
    "ProblemDetail",
    "ServerHealth",
    "TenantCreate",
    "TenantDeleteQuery",
    "TenantListQuery",
    "TenantPage",
    "TenantRead",
    "TenantUpdate",
]
