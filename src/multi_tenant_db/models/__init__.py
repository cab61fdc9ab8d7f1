"""The tables as the service maps them."""

from multi_tenant_db.models.base import Base
from multi_tenant_db.models.tenant import Tenant
from multi_tenant_db.models.tenant_type import TenantType

__all__ = ["Base", "Tenant", "TenantType"]
