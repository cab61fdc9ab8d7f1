"""Acting as a tenant: view tokens that were not earned, outlive their operator, or hide the operator."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from multi_tenant_db.database.failures import READ_ONLY_TOKEN
from tests.support.attack import refused, sees_nothing
from tests.support.attempt import attempt, error_of
from tests.support.context import presenting, visible_ids
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

GROUP = "exceeding a token"
NOT_VALID = asyncpg.InvalidAuthorizationSpecificationError

ISSUING = (
    "issue_view_token(sha256('x'), '{head}', '{head}', 'mine', '1 day', true)",
    "issue_tenant_token(sha256('x'), '{head}', '{head}', 'mine', '1 day', true)",
    "issue_platform_operator_token(sha256('x'), 'mine', '1 day', true)",
    "rotate_token('{token_id}', sha256('x'), '1 day', '1 day')",
    "revoke_tokens('{head}', NULL)",
    "list_tokens('{head}', NULL, true, 10, NULL)",
)


@refused(GROUP)
@pytest.mark.parametrize("call", ISSUING, ids=lambda call: call.partition("(")[0])
async def test_administering_tokens_as_the_service(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization, call: str
) -> None:
    """To issue, prolong, list or revoke tokens from within the service, with a platform operator's token in hand."""
    filled = call.format(head=hsbc.parent.tenant_id, token_id=registry.token_id(hsbc.parent.token))
    operator = await registry.issue_operator_token()
    for token, as_platform in ((hsbc.parent.token, False), (operator, False), (operator, True)):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attempt(as_api, token, f"SELECT tenancy.{filled}", as_platform=as_platform)


@refused(GROUP)
@pytest.mark.parametrize("caller", ["nothing", "a tenant", "a view", "an expired operator", "a revoked operator"])
async def test_a_view_without_an_operator(
    registry: Registry, as_admin: asyncpg.Connection, hsbc: Organization, caller: str
) -> None:
    """To issue a view token without the token of a platform operator that is valid."""
    head = hsbc.parent.tenant_id
    operator = await registry.issue_operator_token()
    tokens = {
        "nothing": None,
        "a tenant": hsbc.parent.token,
        "a view": await registry.issue_view_token(operator, head, head, may_write=True),
    }
    if caller == "an expired operator":
        await as_admin.execute(
            "UPDATE tenancy_private.access_tokens SET created_at = now() - interval '2 days',"
            " expires_at = now() - interval '1 day' WHERE token_id = $1",
            registry.token_id(operator),
        )
    elif caller == "a revoked operator":
        await registry.revoke(operator)
    before = await as_admin.fetchval("SELECT count(*) FROM tenancy_private.access_tokens")
    with pytest.raises(NOT_VALID):
        await registry.issue_view_token(tokens.get(caller, operator), head, head)
    assert await as_admin.fetchval("SELECT count(*) FROM tenancy_private.access_tokens") == before


@refused(GROUP)
async def test_a_view_that_may_do_more_than_its_operator(registry: Registry, hsbc: Organization) -> None:
    """To get a token that may write for a tenant, with an operator's token that is read-only."""
    head = hsbc.parent.tenant_id
    reader = await registry.issue_operator_token(may_write=False)
    error = await error_of(registry.issue_view_token(reader, head, head, may_write=True))
    assert error.sqlstate == READ_ONLY_TOKEN
    assert await registry.issue_view_token(reader, head, head)


@refused(GROUP)
async def test_a_view_that_reaches_further_than_its_tenant(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization, barclays: Organization
) -> None:
    """To see, with a view of a subsidiary, its parent or a stranger; to pair a tenant with another organisation."""
    operator = await registry.issue_operator_token()
    child = hsbc.subsidiaries[0].tenant_id
    view = await registry.issue_view_token(operator, hsbc.parent.tenant_id, child)
    async with presenting(as_api, view):
        assert await visible_ids(as_api) == [child]
    async with presenting(as_api, view, as_platform=True):
        assert await visible_ids(as_api) == []
    for organization_id, tenant_id in ((barclays.parent.tenant_id, child), (child, child), (uuid4(), uuid4())):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await registry.issue_view_token(operator, organization_id, tenant_id)


@refused(GROUP)
async def test_a_view_whose_operator_is_gone(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """To go on as a tenant after the operator's token was revoked, also where the view token was issued meanwhile."""
    head = hsbc.parent.tenant_id
    operator, other = await registry.issue_operator_token(), await registry.issue_operator_token()
    views = [await registry.issue_view_token(token, head, head) for token in (operator, operator, other)]
    await registry.revoke(operator)
    for view in views[:2]:
        with pytest.raises(NOT_VALID):
            await attempt(as_api, view, "SELECT * FROM tenancy.tenants")
    assert await attempt(as_api, views[2], "SELECT * FROM tenancy.tenants")


@refused(GROUP)
@pytest.mark.parametrize("order", ["the view first", "the revocation first"])
async def test_a_view_issued_while_its_operator_is_revoked(
    database: TestDatabase, as_api: asyncpg.Connection, registry: Registry, hsbc: Organization, order: str
) -> None:
    """To have a view token survive, as neither transaction sees what the other does."""
    head = hsbc.parent.tenant_id
    operator = await registry.issue_operator_token()
    token_id = registry.token_id(operator)
    second = await database.connect_as_operator()
    issue = "SELECT tenancy.issue_view_token(sha256($1), $2, $2, 'view', '1 hour', false)"
    revoke = "SELECT tenancy.revoke_token($1)"
    first = await database.connect_as_operator()
    view = f"view {uuid4()}"
    if order == "the view first":
        async with presenting(first, operator):
            await first.execute(issue, view.encode(), head)
            revoking = asyncio.create_task(second.fetchval(revoke, token_id))
            await asyncio.sleep(0.3)
            assert not revoking.done()
        assert await revoking
    else:
        async with first.transaction():
            assert await first.fetchval(revoke, token_id)
            issuing = asyncio.create_task(_issue(second, operator, issue, view, head))
            await asyncio.sleep(0.3)
            assert not issuing.done()
        with pytest.raises(NOT_VALID):
            await issuing
    for connection in (first, second):
        await connection.close()
    with pytest.raises(NOT_VALID):
        await attempt(as_api, view, "SELECT * FROM tenancy.tenants")


async def _issue(connection: asyncpg.Connection, operator: str, issue: str, view: str, head: object) -> None:
    async with presenting(connection, operator):
        await connection.execute(issue, view.encode(), head)


@refused(GROUP)
async def test_prolonging_a_token(
    registry: Registry, as_admin: asyncpg.Connection, database: TestDatabase, hsbc: Organization
) -> None:
    """To make a token last longer: by a long view, by rotating a view or a dead token, by a long grace."""
    head = hsbc.parent.tenant_id
    end = "SELECT expires_at FROM tenancy_private.access_tokens WHERE token_id = $1"
    rotate = "SELECT (tenancy.rotate_token($1, sha256(gen_random_uuid()::text::bytea), $2, $3)).token_id"
    operator = await registry.issue_operator_token(timedelta(days=2))
    short = await registry.issue_operator_token(timedelta(minutes=5))
    views = [await registry.issue_view_token(token, head, head, timedelta(days=1)) for token in (operator, short)]
    assert await as_admin.fetchval(end, registry.token_id(views[0])) <= datetime.now(UTC) + timedelta(hours=12)
    ends = [await as_admin.fetchval(end, registry.token_id(token)) for token in (views[1], short)]
    assert ends[0] == ends[1]

    connection = await database.connect_as_operator()
    dead = await registry.issue_token(head, head)
    await registry.revoke(dead)
    for token in (views[0], dead):
        year = timedelta(days=365)
        assert await connection.fetchval(rotate, registry.token_id(token), year, year) is None
    before = await as_admin.fetchval(end, registry.token_id(hsbc.parent.token))
    assert await connection.fetchval(
        rotate, registry.token_id(hsbc.parent.token), timedelta(hours=1), timedelta(days=365)
    )
    assert await as_admin.fetchval(end, registry.token_id(hsbc.parent.token)) == before
    await connection.close()


@refused(GROUP)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_view_whose_operator_was_rotated(
    database: TestDatabase, registry: Registry, as_admin: asyncpg.Connection, hsbc: Organization, when: str
) -> None:
    """To go on as a tenant when the operator's token has been replaced and its grace period is over."""
    head = hsbc.parent.tenant_id
    rotate = "SELECT tenancy.rotate_token($1, sha256(gen_random_uuid()::text::bytea), '1 day', '1 minute')"
    issue = "SELECT tenancy.issue_view_token(sha256($1), $2, $2, 'view', '6 hours', false)"
    end = "SELECT expires_at FROM tenancy_private.access_tokens WHERE token_hash = sha256($1)"
    operator, view = await registry.issue_operator_token(timedelta(days=1)), f"view {uuid4()}"
    rotating, viewing = await database.connect_as_operator(), await database.connect_as_operator()
    if when == "before":
        await _issue(viewing, operator, issue, view, head)
        await rotating.execute(rotate, registry.token_id(operator))
    else:
        async with rotating.transaction():
            await rotating.execute(rotate, registry.token_id(operator))
            issuing = asyncio.create_task(_issue(viewing, operator, issue, view, head))
            await asyncio.sleep(0.3)
            assert not issuing.done()
        await issuing
    for connection in (rotating, viewing):
        await connection.close()
    ends = [await as_admin.fetchval(end, token.encode()) for token in (operator, view)]
    assert ends[0] == ends[1] <= datetime.now(UTC) + timedelta(minutes=1)


@sees_nothing(GROUP)
async def test_hiding_the_operator(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """To change a tenant through a view token and have the trail name no operator, or another."""
    head = hsbc.parent.tenant_id
    operator = await registry.issue_operator_token(label="Anna")
    view = await registry.issue_view_token(operator, head, head, may_write=True)
    await attempt(
        as_api,
        view,
        "SET LOCAL app.operator_label = 'Berta'",
        "SET LOCAL app.request_id = 'Berta'",
        "UPDATE tenancy.tenants SET name = name || '!' WHERE parent_tenant_id IS NULL",
    )
    for column in ("operator_label", "operator_token_id", "token_label"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attempt(as_api, view, f"UPDATE tenancy.tenant_events SET {column} = NULL")
    event = await as_admin.fetchrow(
        "SELECT * FROM tenancy.tenant_events WHERE tenant_id = $1 ORDER BY event_id DESC LIMIT 1", head
    )
    assert (event["token_id"], event["operator_token_id"]) == (registry.token_id(view), registry.token_id(operator))
    assert (event["token_label"], event["operator_label"], event["actor_tenant_id"]) == ("view", "Anna", head)
