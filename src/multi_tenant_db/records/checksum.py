"""The SHA-256 of what a server sends, without keeping it."""

from hashlib import sha256


class Checksum:
    """Takes chunks of a COPY."""

    def __init__(self) -> None:
        self._hash = sha256()
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Add a chunk; a coroutine, as the driver wants it."""
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def hexdigest(self) -> str:
        """Return the sum of all chunks."""
        return self._hash.hexdigest()
