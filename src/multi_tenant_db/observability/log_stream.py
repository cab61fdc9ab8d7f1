"""The stream of log lines."""

import os
import sys
from contextlib import suppress


class LogStream:
    """Standard output, unbuffered; a line that cannot be written, as on a full disk, is dropped without an error."""

    def write(self, text: str) -> int:
        """Write the text, or as much as possible."""
        with suppress(OSError, ValueError, AttributeError):  # full or closed; a replacement of sys.stdout; None
            try:
                descriptor = sys.stdout.fileno()
            except (OSError, ValueError):
                return sys.stdout.write(text)
            rest = text.encode("utf-8", "backslashreplace")
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        return len(text)

    def flush(self) -> None:
        """Do nothing: the stream is unbuffered."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return sys.stdout is not None and sys.stdout.isatty()
