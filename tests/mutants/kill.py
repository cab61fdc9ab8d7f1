"""The end of a mutant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kill:
    """What a mutant changed, the test that noticed, None when it survived, and what that test said."""

    mutant: str
    place: str
    killer: str | None = None
    message: str = ""
