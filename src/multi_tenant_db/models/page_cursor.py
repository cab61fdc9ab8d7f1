"""A position in the list of tenants."""

import base64
import binascii
from dataclasses import dataclass
from typing import Self
from uuid import UUID

UUID_BYTES = 16


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The key of the last tenant on a page. It is only a position; the policies define what the caller sees."""

    organization_id: UUID
    tenant_id: UUID

    def encode(self) -> str:
        """Return the opaque text for clients."""
        key = self.organization_id.bytes + self.tenant_id.bytes
        return base64.urlsafe_b64encode(key).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Parse the text of `encode`; raises ValueError for anything else."""
        try:
            key = base64.b64decode(text.encode("ascii") + b"=", altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise ValueError("not a cursor") from error
        cursor = cls(UUID(bytes=key[:UUID_BYTES]), UUID(bytes=key[UUID_BYTES:]))
        if cursor.encode() != text:
            raise ValueError("not a cursor")
        return cursor
