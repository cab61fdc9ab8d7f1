"""The end of a mutant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kill:
    """The object that a mutant changed, the test that noticed it, None if it survived, and the test's message."""

    mutant: str
    place: str
    killer: str | None = None
    message: str = ""
