"""Exit codes for scripts."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `mtdb`; success is 0."""

    FAILED = 1
    USAGE = 2
    NO_DATABASE = 3
