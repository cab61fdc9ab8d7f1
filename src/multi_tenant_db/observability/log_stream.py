"""Where log lines go."""

import sys
from contextlib import suppress
from io import FileIO
from typing import TextIO


class LogStream:
    """Standard output, unbuffered; a line that cannot be written, as on a full disk, is lost and costs nothing else."""

    def __init__(self) -> None:
        self._text: TextIO | None = sys.stdout
        self._raw: FileIO | None = None
        with suppress(OSError, ValueError, AttributeError):  # there is none, or something that is no file stands for it
            self._raw = FileIO(sys.stdout.fileno(), "wb", closefd=False)

    @property
    def shows_colours(self) -> bool:
        """Whether somebody looks at it."""
        return self._raw is not None and self._raw.isatty()

    def write(self, text: str) -> int:
        """Write all of it, or what fits."""
        with suppress(OSError, ValueError):
            if self._raw is not None:
                rest = text.encode("utf-8", "backslashreplace")
                while rest:
                    rest = rest[self._raw.write(rest) :]
            elif self._text is not None:
                self._text.write(text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""
