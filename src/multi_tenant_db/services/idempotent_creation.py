"""Creation with an Idempotency-Key."""

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from multi_tenant_db.errors import IdempotencyKeyReused
from multi_tenant_db.repositories.request_repository import RequestRepository
from multi_tenant_db.schemas import TenantCreate, TenantRead
from multi_tenant_db.services.tenant_service import TenantService


class IdempotentCreation:
    """Creates tenants; a repeated request with the same key returns the first response and creates nothing."""

    def __init__(self, tenants: TenantService, requests: RequestRepository) -> None:
        self._tenants = tenants
        self._requests = requests

    async def create_tenant(self, new: TenantCreate, idempotency_key: str | None) -> TenantRead:
        """Add a tenant; with a key that was used for the same request within 24 hours, return the stored response.

        Raises OperationNotPermitted, ParentNotFound, NameTaken, SubsidiaryQuotaReached, IdempotencyKeyReused or
        RequestInProgress.
        """
        if idempotency_key is None:
            return await self._tenants.create_tenant(new)
        stored = await self._requests.claim(idempotency_key, fingerprint(new))
        if stored is not None:
            return _parse_stored(stored)
        created = await self._tenants.create_tenant(new)
        await self._requests.finish(idempotency_key, created.model_dump(mode="json"))
        return created


def _parse_stored(response: dict[str, Any]) -> TenantRead:
    """Return a stored response. An invalid one was written by the tenant's own SQL, so the key cannot be used."""
    try:
        return TenantRead.model_validate(response)
    except ValidationError as error:
        raise IdempotencyKeyReused from error


def fingerprint(new: TenantCreate) -> bytes:
    """Return a hash that is the same for equal requests, independent of the formatting of their JSON."""
    canonical = json.dumps(new.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()
