"""A caller as the model recognises him."""

from typing import NamedTuple
from uuid import UUID

from tests.security.model.kind import Kind


class ModelCaller(NamedTuple):
    """Somebody at the moment of one statement; he lies who presents a text that is no live token."""

    kind: Kind
    tenant_id: UUID | None = None
    lies: bool = False
