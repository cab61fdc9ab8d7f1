"""Forging the context: acting as a tenant without its live token, by SQL of the service's own role."""

import asyncpg
import pytest

from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt
from tests.support.context import presenting, visible_ids
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

GROUP = "forging and replaying the context"
SET_CONTEXT = "SELECT set_config('app.current_tenant', $1, $2)"
INVALID_TOKEN = asyncpg.InvalidAuthorizationSpecificationError
COUNT = "SELECT count(*) FROM tenancy.tenants"
EXPIRE = """
    UPDATE tenancy_private.access_tokens
    SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 microsecond'
    WHERE token_hash = sha256(convert_to($1, 'UTF8'))
"""


@refused(GROUP)
@pytest.mark.parametrize("scope", ["SET", "SET SESSION", "SET LOCAL"])
async def test_set_to_a_tenant_id(as_api: asyncpg.Connection, barclays: Organization, scope: str) -> None:
    """To be Barclays by naming its id, as every tutorial has it."""
    with pytest.raises(INVALID_TOKEN):
        await attempt(as_api, None, f"{scope} app.current_tenant = '{barclays.parent.tenant_id}'", COUNT)


@refused(GROUP)
@pytest.mark.parametrize("is_local", [True, False])
async def test_set_config_to_the_hash_of_a_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, barclays: Organization, is_local: bool
) -> None:
    """To replay the hash that a stolen backup holds."""
    token_hash = await as_admin.fetchval(
        "SELECT token_hash FROM tenancy_private.access_tokens WHERE tenant_id = $1", barclays.parent.tenant_id
    )
    for forged in (token_hash.hex(), f"\\x{token_hash.hex()}", token_hash.decode("latin-1").replace("\0", "")):
        setting = await as_admin.fetchval("SELECT quote_literal($1)", forged)
        with pytest.raises(INVALID_TOKEN):
            await attempt(as_api, None, f"SELECT set_config('app.current_tenant', {setting}, {is_local})", COUNT)


@refused(GROUP)
@pytest.mark.parametrize("change", ["{}x", " {}", "{} ", "{}\n", "{}\u200b", "Bearer {}"])
async def test_a_token_with_something_added(as_api: asyncpg.Connection, barclays: Organization, change: str) -> None:
    """To find an input that is trimmed or folded into a live token."""
    with pytest.raises(INVALID_TOKEN):
        await attempt(as_api, change.format(barclays.parent.token), COUNT)


@refused(GROUP)
async def test_a_token_in_another_case(as_api: asyncpg.Connection, barclays: Organization) -> None:
    """To shrink the search for a token by ignoring upper and lower case."""
    with pytest.raises(INVALID_TOKEN):
        await attempt(as_api, barclays.parent.token.swapcase(), COUNT)


@sees_nothing(GROUP)
@pytest.mark.parametrize("statement", ["RESET app.current_tenant", "RESET ALL", "SET app.current_tenant TO DEFAULT"])
async def test_reset_to_a_default(as_api: asyncpg.Connection, hsbc: Organization, statement: str) -> None:
    """To fall back to a default context in which everything is visible."""
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute(statement)
        assert await visible_ids(as_api) == []


@sees_nothing(GROUP)
async def test_discard_all(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """To wipe the session into a state without policies."""
    async with presenting(as_api, hsbc.parent.token):
        assert len(await visible_ids(as_api)) == len(hsbc.parties)
    await as_api.execute("DISCARD ALL")
    await as_api.execute("DECLARE loot CURSOR WITH HOLD FOR SELECT name FROM tenancy.tenants")
    assert await as_api.execute("FETCH ALL FROM loot") == "FETCH 0"


@sees_nothing(GROUP)
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN"])
async def test_the_statement_after_the_end(as_api: asyncpg.Connection, hsbc: Organization, end: str) -> None:
    """To continue as the last caller after the end of the transaction."""
    await as_api.execute("BEGIN")
    await as_api.execute(SET_CONTEXT, hsbc.parent.token, True)
    assert len(await visible_ids(as_api)) == len(hsbc.parties)
    await as_api.execute(end)
    assert await visible_ids(as_api) == []
    assert await as_api.fetchval("SELECT current_setting('app.current_tenant')") == ""
    if as_api.is_in_transaction():
        await as_api.execute("ROLLBACK")


@sees_nothing(GROUP)
async def test_two_transactions_in_one_message(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """To carry the context over the end of a transaction that the same message ends."""
    await as_api.execute(
        f"BEGIN; SET LOCAL app.current_tenant = '{hsbc.parent.token}'; COMMIT;"
        "DECLARE loot CURSOR WITH HOLD FOR SELECT name FROM tenancy.tenants"
    )
    assert await as_api.fetch("FETCH ALL FROM loot") == []


@sees_nothing(GROUP)
async def test_rollback_to_a_savepoint(as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization) -> None:
    """To have a savepoint keep the context of one token beside that of the other."""
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute("SAVEPOINT before")
        await as_api.execute(SET_CONTEXT, barclays.subsidiaries[0].token, True)
        assert await visible_ids(as_api) == [barclays.subsidiaries[0].tenant_id]
        await as_api.execute("ROLLBACK TO before")
        assert await visible_ids(as_api) == [party.tenant_id for party in hsbc.parties]
        await as_api.execute(SET_CONTEXT, "", True)
        await as_api.execute("RELEASE before")
        assert await visible_ids(as_api) == []


@sees_nothing(GROUP)
async def test_the_context_of_another_backend(
    as_api: asyncpg.Connection, database: TestDatabase, hsbc: Organization
) -> None:
    """To see what a caller sees whose transaction is open on another connection of the same role."""
    async with presenting(as_api, hsbc.parent.token):
        other = await database.connect_as_api()
        try:
            assert await visible_ids(other) == []
            snapshot = await as_api.fetchval("SELECT pg_export_snapshot()")
            async with other.transaction(isolation="repeatable_read"):
                await other.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
                assert await visible_ids(other) == []
        finally:
            await other.close()


@sees_nothing(GROUP)
@pytest.mark.parametrize(
    "way", ["SET LOCAL ROLE tenancy_platform", "SELECT set_config('role', 'tenancy_platform', true)"]
)
async def test_the_role_of_the_platform_without_a_token(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, way: str
) -> None:
    """To reach every tenant by the role that platform operators' requests take on."""
    for token in (None, hsbc.parent.token):
        async with presenting(as_api, token):
            await as_api.execute(way)
            assert await visible_ids(as_api) == []
    assert barclays.parties


@sees_nothing(GROUP)
async def test_the_role_of_the_platform_in_the_middle_of_a_statement(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To have a statement planned under one role and carried out under the other."""
    async with presenting(as_api, hsbc.parent.token):
        rows = await as_api.fetch(
            "WITH switched AS MATERIALIZED (SELECT set_config('role', 'tenancy_platform', true))"
            " SELECT tenant_id FROM switched, tenancy.tenants"
        )
    assert {row["tenant_id"] for row in rows} <= {party.tenant_id for party in hsbc.parties}
    assert barclays.parties


@refused(GROUP)
@pytest.mark.parametrize("role", ["tenancy_api", "tenancy_platform"])
async def test_row_security_off(
    as_api: asyncpg.Connection, hsbc: Organization, platform_operator: Party, role: str
) -> None:
    """To switch the policies off for the session."""
    token = hsbc.parent.token if role == "tenancy_api" else platform_operator.token
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await attempt(as_api, token, "SET LOCAL row_security = off", COUNT, as_platform=role == "tenancy_platform")


@refused(GROUP)
@pytest.mark.parametrize("state", ["revoked", "expired"])
async def test_replaying_a_dead_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization, state: str
) -> None:
    """To use a token after its end, in the very transaction in which it was still alive."""
    token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
    transaction = as_api.transaction()
    await transaction.start()
    await as_api.execute(SET_CONTEXT, token, True)
    assert len(await visible_ids(as_api)) == len(hsbc.parties)
    if state == "revoked":
        await registry.revoke(token)
    else:
        await as_admin.execute(EXPIRE, token)
    with pytest.raises(INVALID_TOKEN):
        await as_api.fetch(COUNT)
    await transaction.rollback()
    with pytest.raises(INVALID_TOKEN):
        await attempt(as_api, token, COUNT)


@refused(GROUP)
@pytest.mark.parametrize(
    "setting",
    ["TimeZone = 'Etc/GMT-14'", "TimeZone = '<later>-160'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'"],
)
async def test_another_clock(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization, setting: str
) -> None:
    """To prolong a token's life by another time zone or another way of writing time."""
    token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
    await as_admin.execute(EXPIRE, token)
    with pytest.raises(INVALID_TOKEN):
        await attempt(as_api, token, f"SET LOCAL {setting}", COUNT)
    assert await attempt(as_api, hsbc.parent.token, f"SET LOCAL {setting}", COUNT) == [(len(hsbc.parties),)]


@refused(GROUP)
@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
async def test_a_snapshot_kept_open_past_the_revocation(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization, isolation: str
) -> None:
    """To keep a token alive in a snapshot from before it was revoked."""
    token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
    await as_api.execute(f"BEGIN ISOLATION LEVEL {isolation}; SELECT 1")
    await registry.revoke(token)
    await as_api.execute(SET_CONTEXT, token, True)
    with pytest.raises(asyncpg.InvalidTransactionStateError, match="READ COMMITTED"):
        await as_api.fetch(COUNT)


@residual(GROUP, "a statement, or the open cursor that is one, goes on after the revocation until its transaction ends")
async def test_a_cursor_opened_before_the_revocation(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """To draw rows, after the revocation, from a statement that began before it."""
    token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
    await as_api.execute("BEGIN")
    await as_api.execute(SET_CONTEXT, token, True)
    await as_api.execute("DECLARE loot CURSOR FOR SELECT name FROM tenancy.tenants ORDER BY organization_id, tenant_id")
    assert [row["name"] for row in await as_api.fetch("FETCH 1 FROM loot")] == [hsbc.parent.name]
    await registry.revoke(token)
    assert [row["name"] for row in await as_api.fetch("FETCH 1 FROM loot")] == [hsbc.subsidiaries[0].name]
    with pytest.raises(INVALID_TOKEN):
        await as_api.fetch(COUNT)
    await as_api.execute("ROLLBACK")
    with pytest.raises(asyncpg.InvalidCursorNameError):
        await as_api.fetch("FETCH 1 FROM loot")
