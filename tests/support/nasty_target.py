"""Whom nasty requests are sent to, and in whose name."""

from dataclasses import dataclass

import asyncpg

from tests.support.organization import Organization
from tests.support.served_process import ServedProcess


@dataclass(frozen=True)
class NastyTarget:
    """A real process, the organisation that calls it, and one that the caller may not see."""

    service: ServedProcess
    as_admin: asyncpg.Connection
    caller: Organization
    stranger: Organization

    def fill_in(self, data: bytes) -> bytes:
        """Replace the placeholders of the catalogue."""
        values = {
            b"<token>": self.caller.parent.token,
            b"<parent>": str(self.caller.parent.tenant_id),
            b"<child>": str(self.caller.subsidiaries[0].tenant_id),
            b"<foreign>": str(self.stranger.parent.tenant_id),
        }
        for placeholder, value in values.items():
            data = data.replace(placeholder, value.encode())
        return data
