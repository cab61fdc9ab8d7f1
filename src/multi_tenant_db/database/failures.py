"""What went wrong between the service and its database, read from SQLSTATE (PostgreSQL manual, appendix A)."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from multi_tenant_db.errors import DatabaseUnavailable

CONNECT_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg makes of a server that was killed in the middle of an answer
    PoolTimeoutError,
    TimeoutError,
    OSError,
)
"""What reaches us bare, not as a DBAPIError: failures to connect, and the driver's own time limits."""

UNAVAILABLE_CLASSES = frozenset({"08", "53", "57", "58"})
"""Connection exceptions, insufficient resources, operator intervention (also timeouts), system errors."""

UNAVAILABLE_STATES = frozenset({"25P03", "25P04", "40001", "40P01", "55P03"})
"""Idle and transaction timeouts, serialization failures, deadlocks, lock timeouts."""

REFUSED_CONNECTION_STATES = frozenset({"28000", "28P01", "3D000", "42501"})
"""The service's login is refused, its database is missing or closed to it. Of a statement they say something else."""


def sqlstate(failure: DBAPIError) -> str | None:
    """Return the SQLSTATE, or None when the failure did not come from the server."""
    return getattr(failure.orig, "sqlstate", None)


def constraint_name(failure: DBAPIError) -> str | None:
    """Return the name of the violated constraint, if it was one."""
    # SQLAlchemy wraps the driver's error once more; compiled statements do not.
    errors = (failure.orig, failure.orig.__cause__) if failure.orig else ()
    return next((error.constraint_name for error in errors if isinstance(error, asyncpg.PostgresError)), None)


@contextmanager
def failures_as_errors() -> Iterator[None]:
    """Turn failures that a later try may not meet into DatabaseUnavailable; defects pass unchanged."""
    try:
        yield
    except DBAPIError as failure:
        if not _is_passing(failure):
            raise
        raise DatabaseUnavailable(headers={"Retry-After": "1"}) from failure
    except CONNECT_FAILURES as failure:
        raise DatabaseUnavailable(headers={"Retry-After": "1"}) from failure


def _is_passing(failure: DBAPIError) -> bool:
    state = sqlstate(failure) or ""
    if failure.statement is None and state in REFUSED_CONNECTION_STATES:
        return True
    return failure.connection_invalidated or state[:2] in UNAVAILABLE_CLASSES or state in UNAVAILABLE_STATES
