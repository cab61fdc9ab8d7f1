"""`mtdb token purge`, and what is purged without being asked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase


@pytest.fixture(scope="module")
async def database(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give these tests a database of their own, whose tokens they may count."""
    async with fresh_database(server_url) as database:
        yield database


async def listed(database: TestDatabase, label: str, *options: str) -> list[dict[str, str]]:
    """Return the listed tokens that carry the label."""
    outcome = await mtdb("token", "list", "--json", *options, env=settings_for(database))
    assert outcome.exit_code == 0
    return [row for row in outcome.json if row["label"] == label]


async def test_the_dead_are_purged(database: TestDatabase, as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """Tokens expired or revoked a month ago and old answers go, what is younger stays, and it is counted."""
    label, client_key = f"purged {uuid4()}", f"key {uuid4()}"
    issue = "SELECT tenancy.issue_tenant_token(sha256($1::text::bytea), $2, $2, $3, '1 hour')"
    for number in range(6):
        await as_admin.execute(issue, f"{label} {number}", hsbc.parent.tenant_id, f"{label} {number}")
    age = (
        "UPDATE tenancy_private.access_tokens SET created_at = now() - interval '40 days',"
        " expires_at = now() - $2::interval WHERE label = ANY($1::text[])"
    )
    await as_admin.execute(age, [f"{label} {number}" for number in (0, 1)], timedelta(days=31))
    await as_admin.execute(age, [f"{label} 2"], timedelta(days=29))
    for number, days in ((4, 31), (5, 29)):
        await as_admin.execute(
            "UPDATE tenancy_private.access_tokens SET revoked_at = now() - $2::interval WHERE label = $1",
            f"{label} {number}",
            timedelta(days=days),
        )
    remember = (
        "INSERT INTO tenancy_private.idempotency_keys (tenant_id, idempotency_key, request_hash, created_at)"
        " VALUES ($1, $2, sha256('x'), now() - $3::interval)"
    )
    for key, age_of_it in (("old", timedelta(hours=49)), ("young", timedelta(hours=47))):
        await as_admin.execute(remember, hsbc.parent.tenant_id, f"{client_key} {key}", age_of_it)

    outcome = await mtdb("token", "purge", env=settings_for(database))

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert int(outcome.stdout.split()[0].replace(",", "")) >= 4
    tokens = await as_admin.fetch("SELECT label FROM tenancy_private.access_tokens WHERE label LIKE $1", f"{label}%")
    assert {row["label"] for row in tokens} == {f"{label} {number}" for number in (2, 3, 5)}
    keys = await as_admin.fetch(
        "SELECT idempotency_key FROM tenancy_private.idempotency_keys WHERE idempotency_key LIKE $1",
        f"{client_key}%",
    )
    assert {row["idempotency_key"] for row in keys} == {f"{client_key} young"}


async def test_issuing_purges_too(database: TestDatabase, as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """Whoever issues tokens removes dead ones, a few at a time: the table does not grow for ever."""
    label = f"forgotten {uuid4()}"
    issue = "SELECT tenancy.issue_tenant_token(sha256($1::text::bytea), $2, $2, $3, '1 hour')"
    for number in range(12):
        await as_admin.execute(issue, f"{label} {number}", hsbc.parent.tenant_id, label)
    await as_admin.execute(
        "UPDATE tenancy_private.access_tokens SET created_at = now() - interval '400 days',"
        " expires_at = now() - interval '399 days' WHERE label = $1",
        label,
    )
    left = "SELECT count(*) FROM tenancy_private.access_tokens WHERE label = $1"
    for expected in (2, 0):
        await mtdb("token", "issue", "--platform-operator", "-q", env=settings_for(database))
        assert await as_admin.fetchval(left, label) == expected


async def test_the_list_is_cut_in_the_database(database: TestDatabase, hsbc: Organization) -> None:
    """With --limit the newest are shown, oldest first, and a line says that there may be more."""
    for number in range(3):
        issue = ("token", "issue", str(hsbc.parent.tenant_id), "--label", f"cut {number}")
        await mtdb(*issue, env=settings_for(database))
    outcome = await mtdb("token", "list", "--json", "--limit", "2", env=settings_for(database))

    assert [row["label"] for row in outcome.json] == ["cut 1", "cut 2"]
    assert "only the newest 2 are listed" in outcome.stderr


async def test_the_list_leaves_dead_tokens_out_unless_asked(
    database: TestDatabase, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Expired and revoked tokens are shown with --all alone, each with its state."""
    label = f"dead {uuid4()}"
    issue = ("token", "issue", str(hsbc.parent.tenant_id), "--label", label)
    for _ in range(3):
        await mtdb(*issue, env=settings_for(database))
    expired, revoked, live = [row["token_id"] for row in await listed(database, label)]
    await as_admin.execute(
        "UPDATE tenancy_private.access_tokens SET created_at = now() - interval '2 hours', expires_at = now()"
        " WHERE token_id = $1",
        expired,
    )
    await mtdb("token", "revoke", revoked, env=settings_for(database))

    assert [row["token_id"] for row in await listed(database, label)] == [live]
    states = {row["token_id"]: row["state"] for row in await listed(database, label, "--all")}
    assert states == {expired: "expired", revoked: "revoked", live: "live"}
