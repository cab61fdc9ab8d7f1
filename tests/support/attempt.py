"""SQL that somebody tries in one transaction, as an injection into the service could."""

from collections.abc import Awaitable

import asyncpg
import pytest

from tests.support.context import presenting


async def attempt(
    connection: asyncpg.Connection, token: str | None, *statements: str, as_platform: bool = False
) -> list[asyncpg.Record]:
    """Present the token, run the statements, return the last one's rows; the first error ends it."""
    rows: list[asyncpg.Record] = []
    async with presenting(connection, token, as_platform=as_platform):
        for statement in statements:
            rows = await connection.fetch(statement)
    return rows


async def attempt_quietly(
    connection: asyncpg.Connection, token: str | None, *statements: str, as_platform: bool = False
) -> list[asyncpg.Record] | None:
    """Do the same and roll back; None when it was refused."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        return await attempt(connection, token, *statements, as_platform=as_platform)
    except asyncpg.PostgresError:
        return None
    finally:
        await transaction.rollback()


async def error_of(work: Awaitable[object]) -> asyncpg.PostgresError:
    """Return the error that the server answers with."""
    with pytest.raises(asyncpg.PostgresError) as caught:
        await work
    return caught.value
