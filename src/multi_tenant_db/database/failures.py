"""Classifies database failures by SQLSTATE (PostgreSQL manual, appendix A)."""

from collections.abc import Iterator

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from multi_tenant_db.errors import DatabaseUnavailable

LOST = (asyncpg.InternalClientError, OSError)
"""No response in time (TimeoutError is an OSError), a lost connection, or a truncated response."""

DRIVER_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, *LOST)
"""What a statement may raise: an error of the server or the driver, or the loss of the connection."""

UNAVAILABLE_CLASSES = frozenset({"08", "53", "57", "58"})
"""Connection exceptions, insufficient resources, operator intervention (also timeouts), system errors."""

MOVED = "MT001"
"""The schema's own: the token's organisation has moved to another server, whose label is the error's detail."""

READ_ONLY_TOKEN = "MT002"  # noqa: S105 - a SQLSTATE
"""The schema's own: a write with a token that may only read."""

QUOTA_REACHED = "MT003"
"""The schema's own: the organisation has its maximum of subsidiaries, which is the error's detail."""

UNAVAILABLE_STATES = frozenset({"25P03", "25P04", "40001", "40P01", "55P03", MOVED})
"""Idle and transaction timeouts, serialization failures, deadlocks, lock timeouts, a move during the transaction."""

REFUSED_CONNECTION_STATES = frozenset({"28000", "28P01", "3D000", "42501"})
"""The login is refused, or the database is missing or not accessible. For a statement they have other meanings."""

UNKNOWN_PREPARED_STATEMENT = "26000"
READ_ONLY = "25006"


def sqlstate(failure: DBAPIError) -> str | None:
    """Return the SQLSTATE, or None when the failure did not come from the server."""
    return getattr(failure.orig, "sqlstate", None)


def constraint_name(failure: DBAPIError) -> str | None:
    """Return the name of the violated constraint, or None."""
    error = _of_server(failure)
    return None if error is None else error.constraint_name


def moved_to(failure: DBAPIError) -> str | None:
    """Return the label of the server that the token's organisation has moved to, or None."""
    error = _of_server(failure) if sqlstate(failure) == MOVED else None
    return None if error is None else error.detail


def reached_quota(failure: DBAPIError) -> str | None:
    """Return the number of subsidiaries that the organisation may have, if it was to get more; otherwise None."""
    error = _of_server(failure) if sqlstate(failure) == QUOTA_REACHED else None
    return None if error is None else error.detail


def _of_server(failure: DBAPIError) -> asyncpg.PostgresError | None:
    # SQLAlchemy wraps the driver's error once more; compiled statements do not.
    errors = (failure.orig, failure.orig.__cause__) if failure.orig else ()
    return next((error for error in errors if isinstance(error, asyncpg.PostgresError)), None)


def is_end_of(driver: asyncpg.Connection, failure: BaseException) -> bool:
    """Return whether a connection is unusable after this failure, though it may still be open.

    It is lost; or its server has become read-only, as a replaced primary does; or the prepared statements in its
    session are gone (only DEALLOCATE does that) or made for a table whose columns have changed since.
    """
    if isinstance(failure, (*LOST, asyncpg.InvalidCachedStatementError)):
        return True
    state = getattr(failure, "sqlstate", None)
    return state == UNKNOWN_PREPARED_STATEMENT or (state == READ_ONLY and _is_read_only(driver))


def _is_read_only(driver: asyncpg.Connection) -> bool:
    """Distinguish a read-only server from a read-only transaction; servers report these settings unsolicited."""
    reported = driver.get_settings()
    names = ("in_hot_standby", "default_transaction_read_only")
    return any(getattr(reported, name, "on") == "on" for name in names)


def as_dbapi_error(driver: asyncpg.Connection, text: str, failure: Exception) -> DBAPIError:
    """Return what SQLAlchemy would raise for a failure of the driver; close the connection if it is unusable."""
    if is_end_of(driver, failure):
        driver.terminate()
    return DBAPIError(text, None, failure, hide_parameters=True, connection_invalidated=driver.is_closed())


def has_lost_server(failure: BaseException) -> bool:
    """Return whether other connections to the same server are probably unusable, too: no response, or read-only."""
    if not isinstance(failure, DBAPIError):
        return False
    return sqlstate(failure) == READ_ONLY or any(isinstance(cause, LOST) for cause in _causes(failure.orig))


def is_without_fitting_server(outage: DatabaseUnavailable) -> bool:
    """Return whether servers responded, but none of the kind in the URL's `target_session_attrs`."""
    return any(isinstance(cause, asyncpg.exceptions.TargetServerAttributeNotMatched) for cause in _causes(outage))


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    """Yield a failure and what caused it; SQLAlchemy wraps the driver's errors, up to twice."""
    while failure is not None:
        yield failure
        failure = (failure.orig if isinstance(failure, DBAPIError) else None) or failure.__cause__


def as_outage(failure: DBAPIError | PoolTimeoutError) -> DatabaseUnavailable | None:
    """Return DatabaseUnavailable for a temporary failure; None for a defect."""
    if isinstance(failure, DBAPIError) and not _is_temporary(failure):
        return None
    return DatabaseUnavailable()


def _is_temporary(failure: DBAPIError) -> bool:
    state = sqlstate(failure) or ""
    if failure.statement is None and (not state or state in REFUSED_CONNECTION_STATES):
        return True  # no connection was made
    return failure.connection_invalidated or state[:2] in UNAVAILABLE_CLASSES or state in UNAVAILABLE_STATES
