"""One statement that is tried on a table."""

from dataclasses import dataclass

from multi_tenant_db.testing.expectation import Expectation


@dataclass(frozen=True)
class Trial:
    """A statement, what is expected of it, and what to do if the table does not keep to it."""

    verb: str
    statement: str
    expects: Expectation
    remedy: str
    arguments: tuple[object, ...] = ()
    victim: str = ""
    """Whose row it aims at."""
