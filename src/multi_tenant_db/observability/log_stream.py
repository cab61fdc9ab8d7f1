"""Where log lines go."""

import os
import sys
from contextlib import suppress


class LogStream:
    """Standard output, unbuffered; a line that cannot be written, as on a full disk, is lost and costs nothing else."""

    def write(self, text: str) -> int:
        """Write all of it, or what fits."""
        with suppress(OSError, ValueError, AttributeError):  # full or closed; something else that stands for it; none
            try:
                descriptor = sys.stdout.fileno()
            except (OSError, ValueError):
                return sys.stdout.write(text)
            rest = text.encode("utf-8", "backslashreplace")
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def isatty(self) -> bool:
        """Whether somebody looks at it."""
        return sys.stdout is not None and sys.stdout.isatty()
