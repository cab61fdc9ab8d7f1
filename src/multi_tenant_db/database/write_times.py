"""When each organisation was last written, shared by the workers of the service."""

import fcntl
import mmap
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from uuid import UUID

SLOTS = 65_536
"""Organisations that share one send each other's reads to the primary for a moment."""

EVERY_ORGANIZATION = SLOTS
"""The slot of platform operators, who may write in any."""

BYTES = array("d").itemsize


class WriteTimes:
    """Moments of `monotonic()`, which on one machine is the same clock for all processes, in a file or in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._file = os.open(path, os.O_RDWR) if path else None
        self._times = memoryview(mmap.mmap(-1 if self._file is None else self._file, (SLOTS + 1) * BYTES)).cast("d")

    @staticmethod
    def create(path: Path) -> None:
        """Create the file: no organisation has been written."""
        path.write_bytes(bytes((SLOTS + 1) * BYTES))

    def latest(self, organization_id: UUID) -> float:
        """Return when the last write in the organisation was acknowledged, or a later moment; 0.0 without one."""
        return max(self._times[organization_id.int % SLOTS], self._times[EVERY_ORGANIZATION])

    def note_write(self, organization_id: UUID | None) -> None:
        """Note a write in the organisation, or in any; call it after the commit and before the response."""
        slot = EVERY_ORGANIZATION if organization_id is None else organization_id.int % SLOTS
        with self._locked(slot):  # otherwise another worker's later moment could be overwritten by this one's
            self._times[slot] = monotonic()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @contextmanager
    def _locked(self, slot: int) -> Iterator[None]:
        if self._file is None:
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX, BYTES, slot * BYTES)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, BYTES, slot * BYTES)
