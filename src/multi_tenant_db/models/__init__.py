"""The tables as mapped by the service: every module of this package, so that migrations are compared with all."""

from importlib import import_module
from pkgutil import iter_modules

from multi_tenant_db.models.base import Base
from multi_tenant_db.models.tenant import Tenant
from multi_tenant_db.models.tenant_event import TenantEvent
from multi_tenant_db.models.tenant_event_type import TenantEventType
from multi_tenant_db.models.tenant_row import TenantRow
from multi_tenant_db.models.tenant_type import TenantType
from multi_tenant_db.models.version_condition import ANY_VERSION, VersionCondition

__all__ = [
    "ANY_VERSION",
    "Base",
    "Tenant",
    "TenantEvent",
    "TenantEventType",
    "TenantRow",
    "TenantType",
    "VersionCondition",
]

for module in iter_modules(__path__):
    import_module(f"{__name__}.{module.name}")
