"""A caller as the model knows it."""

from typing import NamedTuple
from uuid import UUID

from tests.security.model.kind import Kind


class ModelCaller(NamedTuple):
    """The caller of one statement; a bad token is a text that is no live token."""

    kind: Kind
    tenant_id: UUID | None = None
    bad_token: bool = False
