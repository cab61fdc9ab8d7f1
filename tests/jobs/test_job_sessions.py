"""Sessions without a request: a token for each, policies as for a request, nothing left behind."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from multi_tenant_db.errors import AuthenticationRequired, TenantNotFound
from multi_tenant_db.jobs.job_sessions import JobSessions
from multi_tenant_db.jobs.policies_bypassed_error import PoliciesBypassedError
from multi_tenant_db.server_label import DEFAULT_SERVER
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase

TENANTS = text("SELECT tenant_id FROM tenancy.tenants ORDER BY tenant_id")
RENAME = text("UPDATE tenancy.tenants SET name = name || '!' WHERE tenant_id = :tenant_id RETURNING name")
STATES = (
    "SELECT revoked_at < now() AS is_revoked, expires_at - created_at AS lifetime FROM tenancy_private.access_tokens"
)


@pytest.fixture
async def sessions(database: TestDatabase) -> AsyncIterator[JobSessions]:
    """Open the sessions of a worker."""
    async with JobSessions(database.settings()) as sessions:
        yield sessions


@pytest.fixture
def label() -> str:
    """Choose a label for the tokens of the test."""
    return f"job {uuid4()}"


async def states(admin: asyncpg.Connection, label: str) -> list[tuple[bool, timedelta]]:
    """Return of each token with the label whether it is revoked, and its lifetime."""
    return [tuple(row) for row in await admin.fetch(f"{STATES} WHERE label = $1", label)]


async def test_a_job_reaches_one_organisation(
    sessions: JobSessions, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection, label: str
) -> None:
    """The job of one organisation reads and writes its tenants, and no other's; then its token is revoked."""
    organization_id, foreign = hsbc.parent.tenant_id, {"tenant_id": barclays.parent.tenant_id}
    async with sessions.organization(
        DEFAULT_SERVER, organization_id, label, request_id="job 7", lifetime=timedelta(minutes=2)
    ) as session:
        assert [*await session.scalars(TENANTS)] == sorted(party.tenant_id for party in hsbc.parties)
        assert await session.scalar(RENAME, foreign) is None
        assert await session.scalar(RENAME, {"tenant_id": organization_id}) == f"{hsbc.parent.name}!"

    assert await states(as_admin, label) == [(True, timedelta(minutes=2))]
    event = await as_admin.fetchrow(
        "SELECT request_id, database_role, actor_tenant_id FROM tenancy.tenant_events WHERE token_label = $1", label
    )
    assert event is not None
    assert tuple(event) == ("job 7", "tenancy_api", organization_id)


async def test_a_platform_session_reaches_all(
    sessions: JobSessions, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection, label: str
) -> None:
    """A job that lists organisations reads every tenant; its token is revoked, too."""
    async with sessions.platform(DEFAULT_SERVER, label) as session:
        seen = {*await session.scalars(TENANTS)}
    assert {hsbc.parent.tenant_id, barclays.parent.tenant_id} <= seen
    assert await states(as_admin, label) == [(True, timedelta(minutes=10))]


async def test_a_failing_job_writes_nothing(
    sessions: JobSessions, hsbc: Organization, as_admin: asyncpg.Connection, label: str
) -> None:
    """An exception rolls the work back, and the token is revoked all the same."""
    parent = hsbc.parent

    async def fail() -> None:
        async with sessions.organization(DEFAULT_SERVER, parent.tenant_id, label) as session:
            await session.execute(RENAME, {"tenant_id": parent.tenant_id})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await as_admin.fetchval("SELECT name FROM tenancy.tenants WHERE tenant_id = $1", parent.tenant_id) == (
        parent.name
    )
    assert [revoked for revoked, _ in await states(as_admin, label)] == [True]


async def test_a_job_that_outlives_its_token_fails(sessions: JobSessions, hsbc: Organization, label: str) -> None:
    """A statement after the token's end is refused: the lifetime limits a job that hangs."""

    async def hang() -> None:
        lifetime = timedelta(seconds=1)
        async with sessions.organization(DEFAULT_SERVER, hsbc.parent.tenant_id, label, lifetime=lifetime) as session:
            await session.execute(text("SELECT pg_sleep(1.2)"))
            await session.execute(TENANTS)

    with pytest.raises(AuthenticationRequired):
        await hang()


async def test_what_is_no_organisation_has_no_job(sessions: JobSessions, hsbc: Organization, label: str) -> None:
    """No token is issued for an organisation that does not exist, nor for a subsidiary as if it were one."""
    for organization_id in (uuid4(), hsbc.subsidiaries[0].tenant_id):
        with pytest.raises(TenantNotFound):
            async with sessions.organization(DEFAULT_SERVER, organization_id, label):
                pytest.fail("there is a session")


async def test_an_administrators_url_opens_no_job(
    database: TestDatabase, hsbc: Organization, as_admin: asyncpg.Connection, label: str
) -> None:
    """The policies do not limit a superuser: the job is refused before it reads, and its token is revoked."""
    url = database.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with JobSessions(database.settings(database_url=url)) as sessions:
        with pytest.raises(PoliciesBypassedError, match="connect as tenancy_api"):
            async with sessions.organization(DEFAULT_SERVER, hsbc.parent.tenant_id, label):
                pytest.fail("there is a session")
    assert [revoked for revoked, _ in await states(as_admin, label)] == [True]
