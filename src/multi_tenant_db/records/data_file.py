"""A file of an export while it is written."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from multi_tenant_db.records.checksum import Checksum

PRIVATE_FILE = 0o600


class DataFile:
    """Writes chunks and sums them up; on the disk when it is closed."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        self.checksum = Checksum()

    async def write(self, chunk: bytes) -> None:
        """Write a chunk; the server waits meanwhile, so that no more than one is kept."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        await self.checksum.write(chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
