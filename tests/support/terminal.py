"""Standard input that is a terminal."""

import io


class Terminal(io.StringIO):
    """What is typed, in a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True
