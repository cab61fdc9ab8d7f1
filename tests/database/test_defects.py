"""Errors that are not failures of the database pass unchanged and are not reported as unavailability."""

# ruff: noqa: PT012 - what raises is the transaction, so the block is the transaction

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.failures import sqlstate
from multi_tenant_db.database.tenant_session import tenant_session, transaction
from tests.support.engines import pool
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase

TOUCH = text("UPDATE tenancy.tenants SET metadata = metadata WHERE tenant_id = :tenant_id")


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Open a pool of one connection."""
    async with pool(database, pool_size=1) as engine:
        yield engine


async def still_works(engine: AsyncEngine) -> bool:
    """Tell whether the pool serves the next transaction."""
    async with transaction(engine) as session:
        return bool(await session.scalar(text("SELECT true")))


@pytest.mark.parametrize("raised", [TimeoutError("mine"), FileNotFoundError("mine"), asyncpg.InterfaceError("mine")])
async def test_a_failure_of_other_code_is_a_defect(engine: AsyncEngine, raised: Exception) -> None:
    """An error that a block raises itself is not taken for the database's, whatever its class."""
    with pytest.raises(type(raised), match="mine"):
        async with transaction(engine) as session:
            await session.execute(text("SELECT true"))
            raise raised
    assert await still_works(engine)


async def test_wrong_arguments_are_a_defect(engine: AsyncEngine) -> None:
    """An argument that the driver refuses to send is not a failure of the database."""
    with pytest.raises(DBAPIError) as raised:
        async with transaction(engine) as session:
            await session.fetch(CompiledStatement(text("SELECT CAST(:number AS integer)"), tuple), number="x")
    assert not raised.value.connection_invalidated
    assert await still_works(engine)


async def test_a_transaction_that_forbids_writes_itself_is_a_defect(engine: AsyncEngine, hsbc: Organization) -> None:
    """Error 25006 of a server that accepts writes is a defect of the block, not a failure of the server."""
    with pytest.raises(DBAPIError) as raised:
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(text("SET TRANSACTION READ ONLY"))
            await session.execute(TOUCH, {"tenant_id": hsbc.parent.tenant_id})
    assert sqlstate(raised.value) == "25006"


@pytest.mark.parametrize(
    "statement", ["TRUNCATE tenancy.tenants", "SELECT nonsense", "SELECT 1 / 0", "SELECT 'x'::uuid", "SELEKT"]
)
async def test_a_wrong_statement_passes_unchanged(engine: AsyncEngine, statement: str) -> None:
    """A defect in the SQL is not reported as unavailability, since a retry would fail, too."""
    with pytest.raises(DBAPIError) as raised:
        async with transaction(engine) as session:
            await session.execute(text(statement))

    assert not raised.value.connection_invalidated
    assert await still_works(engine)


async def test_a_defect_in_python_passes_unchanged(engine: AsyncEngine) -> None:
    """An exception of our own code reaches the caller as it is."""
    with pytest.raises(ZeroDivisionError):
        async with transaction(engine):
            _ = 1 / 0
