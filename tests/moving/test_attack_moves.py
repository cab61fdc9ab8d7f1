"""Attacks while an organisation moves, by SQL of the service's role on either server."""

from collections.abc import AsyncIterator, Awaitable

import asyncpg
import pytest

from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.identity.access_token import hash_access_token
from multi_tenant_db.lint.safety_check import check_database
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_step import MoveStep
from tests.moving.filled import as_admin, filled_organization, home_of
from tests.moving.moved import moved
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly
from tests.support.registry import Registry

GROUP = "while an organisation moves"
TENANTS = "SELECT tenant_id FROM tenancy.tenants"
MOVED = "MT001"

Service = dict[str, asyncpg.Connection]


@pytest.fixture
async def services(both: TwoServers) -> AsyncIterator[Service]:
    """Connect to both servers as the service's role."""
    connections = {label: await database.connect_as_api() for label, database in both.databases.items()}
    yield connections
    for connection in connections.values():
        await connection.close()


async def error_of(work: Awaitable[object]) -> asyncpg.PostgresError:
    """Return the error that the server answers with."""
    with pytest.raises(asyncpg.PostgresError) as caught:
        await work
    return caught.value


@sees_nothing(GROUP)
async def test_a_moved_token_where_it_was(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To read something at the server that gave the organisation away: its token learns the new server's label."""
    hsbc = await filled_organization(both, registry_here)
    await moved(both, hsbc.parent.tenant_id)
    for statement in (TENANTS, "SELECT tenancy.current_tenant_id()", "TABLE tenancy.accounts"):
        error = await error_of(attempt(services[HERE], hsbc.parent.token, statement))
        assert (error.sqlstate, error.detail, error.message) == (
            MOVED,
            THERE,
            "the organisation has moved to another server",
        )
    assert await attempt(services[HERE], None, TENANTS) == []


@refused(GROUP)
async def test_where_others_have_moved(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To learn with another's token, a made-up one, or a hash of the right one where an organisation has moved."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    await moved(both, hsbc.parent.tenant_id)
    assert await attempt(services[HERE], barclays.parent.token, f"{TENANTS} WHERE organization_id <> tenant_id")
    digest = hash_access_token(hsbc.parent.token)
    for forged in (
        f"{hsbc.parent.token}x",
        digest.hex(),
        f"\\x{digest.hex()}",
        f"mtdb_{THERE}.{hsbc.parent.token[5:]}",
    ):
        error = await error_of(attempt(services[HERE], forged, TENANTS))
        assert (error.sqlstate, error.detail) == ("28000", None)
    for token in (barclays.parent.token, hsbc.parent.token, None):
        for statement in (
            "TABLE tenancy_private.moved_tokens",
            f"SELECT tenancy_private.follow_access_token('\\x{digest.hex()}')",
            "INSERT INTO tenancy_private.moved_tokens VALUES (sha256('x'), 'b', now())",
            "DELETE FROM tenancy_private.moved_tokens",
        ):
            assert await attempt_quietly(services[HERE], token, statement) is None


@sees_nothing(GROUP)
async def test_the_copy_before_the_switch(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To read or write the copy: its own token is not accepted there yet, and another's does not reach it."""
    hsbc = await filled_organization(both, registry_here)
    operator = await both.databases[THERE].connect_as_operator()
    barclays = await Registry(operator).create_organization("Barclays")
    checked = []

    async def read() -> None:
        async with as_admin(both, THERE) as there:
            assert await there.fetchval(f"SELECT EXISTS ({TENANTS} WHERE tenant_id = $1)", hsbc.parent.tenant_id)
        for token in (hsbc.parent.token, hsbc.subsidiaries[0].token):
            error = await error_of(attempt(services[THERE], token, TENANTS))
            assert (error.sqlstate, error.detail) == ("57000", None)
            with pytest.raises(asyncpg.OperatorInterventionError):
                await attempt(services[THERE], token, "UPDATE tenancy.accounts SET balance = 1000")
        theirs = {row["tenant_id"] for row in await attempt(services[THERE], barclays.parent.token, TENANTS)}
        assert theirs == {party.tenant_id for party in barclays.parties}
        update = "UPDATE tenancy.tenants SET metadata = '{}' RETURNING tenant_id"
        assert {row["tenant_id"] for row in await attempt(services[THERE], barclays.parent.token, update)} == theirs
        checked.append(True)

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.COPIED: read, MoveStep.DETACHED: read})
    await operator.close()
    assert len(checked) == 2


@sees_nothing(GROUP)
async def test_a_token_with_the_label_of_the_target(
    both: TwoServers, registry_here: Registry, services: Service
) -> None:
    """To reach the copy with a token that was issued there, before an earlier move: it is still sent to the source."""
    hsbc = await filled_organization(both, registry_here)
    organization_id = hsbc.parent.tenant_id
    await moved(both, organization_id)
    operator = await both.databases[THERE].connect_as_operator()
    issued_there = await Registry(operator).issue_token(organization_id, organization_id)
    await operator.close()
    await moved(both, organization_id, HERE)

    async def read() -> None:
        error = await error_of(attempt(services[THERE], issued_there, TENANTS))
        assert (error.sqlstate, error.detail) == (MOVED, HERE)
        assert len(await attempt(services[HERE], issued_there, TENANTS)) == 3

    await moved(both, organization_id, at={MoveStep.COPIED: read, MoveStep.DETACHED: read})
    assert await home_of(both, issued_there) == {HERE: "MT001 b", THERE: "yes"}


@sees_nothing(GROUP)
async def test_the_rows_left_after_the_switch(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To read or change the rows that the source still has after the switch, with a token or as a platform operator."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    operator_token = await registry_here.issue_operator_token()
    update = f"UPDATE tenancy.tenants SET metadata = '{{}}' WHERE organization_id = '{hsbc.parent.tenant_id}'"
    checked = []

    async def read() -> None:
        async with as_admin(both, HERE) as here:
            count = "SELECT count(*) FROM tenancy.accounts WHERE organization_id = $1"
            assert await here.fetchval(count, hsbc.parent.tenant_id) == 3
        error = await error_of(attempt(services[HERE], hsbc.parent.token, TENANTS))
        assert error.sqlstate == MOVED
        theirs = {row["tenant_id"] for row in await attempt(services[HERE], barclays.parent.token, TENANTS)}
        assert theirs == {party.tenant_id for party in barclays.parties}
        with pytest.raises(asyncpg.OperatorInterventionError):
            await attempt(services[HERE], operator_token, update, as_platform=True)
        with pytest.raises(asyncpg.OperatorInterventionError):
            await registry_here.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
        checked.append(True)

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.UNSUBSCRIBED: read})
    assert checked


@refused(GROUP)
async def test_a_transaction_from_before_the_switch(
    both: TwoServers, registry_here: Registry, services: Service
) -> None:
    """To write or read on in a transaction that signed in before the pause, once the organisation is elsewhere."""
    hsbc = await filled_organization(both, registry_here)
    reader = await both.databases[HERE].connect_as_api()
    for connection in (services[HERE], reader):
        await connection.execute("BEGIN")
        await connection.execute("SELECT tenancy.sign_in($1)", hsbc.parent.token)
    assert len(await reader.fetch(TENANTS)) == 3

    async def go_on() -> None:
        for connection, statement in (
            (services[HERE], "UPDATE tenancy.tenants SET metadata = '{}'"),
            (reader, TENANTS),
        ):
            assert (await error_of(connection.execute(statement))).sqlstate == MOVED
            await connection.execute("ROLLBACK")

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.SWITCHED: go_on})
    await reader.close()


@refused(GROUP)
async def test_writing_in_the_pause(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To write in the pause by a detour, or to remove, disable or replace what refuses it."""
    hsbc = await filled_organization(both, registry_here)
    name = f"while_moving_{hsbc.parent.tenant_id.hex}"
    head = hsbc.parent.tenant_id
    into = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
    values = f"VALUES ('subsidiary'::tenancy.tenant_type, '{head}'::uuid, 'New')"
    writes = (
        f"{into} {values} ON CONFLICT DO NOTHING",
        f"WITH row AS ({into} {values} RETURNING 1) TABLE row",
        (
            f"MERGE INTO tenancy.tenants USING (SELECT 1) AS one ON tenant_id = '{head}'"
            " WHEN MATCHED THEN UPDATE SET metadata = '{}'"
        ),
        "SELECT tenancy.current_tenant_id(); UPDATE tenancy.accounts SET balance = 7",
    )
    removals = (
        f"DROP TRIGGER {name} ON tenancy.tenants",
        f"ALTER TABLE tenancy.tenants DISABLE TRIGGER {name}",
        "ALTER TABLE tenancy.tenants DISABLE TRIGGER ALL",
        "SET LOCAL session_replication_role = replica",
        f"ALTER TRIGGER {name} ON tenancy.tenants RENAME TO gone",
        (
            f"CREATE OR REPLACE TRIGGER {name} BEFORE INSERT ON tenancy.tenants FOR EACH ROW"
            " EXECUTE FUNCTION tenancy_private.refuse_while_moving('-infinity')"
        ),
        f"DROP PUBLICATION mtdb_move_{head.hex}",
        f"SELECT pg_drop_replication_slot('mtdb_move_{head.hex}')",
        f"SELECT pg_logical_slot_get_changes('mtdb_move_{head.hex}', NULL, NULL)",
        f"COMMENT ON PUBLICATION mtdb_move_{head.hex} IS '{{}}'",
    )
    checked = []

    async def write() -> None:
        for statement in writes:
            transaction = services[HERE].transaction()
            await transaction.start()
            await services[HERE].execute("SELECT tenancy.sign_in($1)", hsbc.parent.token)
            assert (await error_of(services[HERE].execute(statement))).sqlstate == "57000", statement
            await transaction.rollback()
        for statement in removals:
            assert await attempt_quietly(services[HERE], hsbc.parent.token, statement) is None, statement
        checked.append(True)

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.FROZEN: write})
    assert checked


@refused(GROUP)
async def test_refusing_others_writes(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To use the trigger against others: no role of the service can create one, or call its function."""
    barclays = await filled_organization(both, registry_here, "Barclays")
    for statement in (
        (
            "CREATE TRIGGER mine BEFORE INSERT ON tenancy.tenants FOR EACH ROW"
            " EXECUTE FUNCTION tenancy_private.refuse_while_moving('infinity')"
        ),
        "SELECT tenancy_private.refuse_while_moving()",
        "CREATE PUBLICATION mine FOR TABLE tenancy.tenants",
        "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')",
        "CREATE SUBSCRIPTION mine CONNECTION 'host=127.0.0.1' PUBLICATION mine WITH (connect = false)",
    ):
        outcome = await attempt_quietly(services[HERE], barclays.parent.token, statement)
        assert outcome is None, statement


@refused(GROUP)
async def test_the_password_of_the_subscription(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To read the administrator's password, which the target keeps while an organisation arrives."""
    hsbc = await filled_organization(both, registry_here)
    password = str(both.databases[HERE].admin_url.password)
    seen: list[str] = []

    async def read() -> None:
        for statement in (
            "SELECT subconninfo FROM pg_subscription",
            "SELECT subscription::text FROM pg_subscription AS subscription",
        ):
            assert await attempt_quietly(services[THERE], None, statement) is None
        for statement in (
            "SELECT row::text FROM pg_stat_activity AS row",
            "SELECT row::text FROM pg_stat_subscription AS row",
            "SELECT row::text FROM pg_settings AS row",
        ):
            for label in (HERE, THERE):
                seen.extend(row[0] for row in await services[label].fetch(statement))

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.SUBSCRIBED: read, MoveStep.FROZEN: read})
    assert seen
    assert not [row for row in seen if password in row]


@residual(GROUP, "SQL of the service's role can read the id of an organisation that is moving in the catalogue.")
async def test_the_id_of_a_moving_organisation(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To learn that an organisation moves: names in the catalogue hold its id; no row, no name, no number of rows."""
    hsbc = await filled_organization(both, registry_here)
    found: list[str] = []

    async def read() -> None:
        for catalogue in ("pg_publication", "pg_publication_rel", "pg_trigger", "pg_replication_slots"):
            rows = await services[HERE].fetch(f"SELECT row::text FROM {catalogue} AS row")
            found.extend(row[0] for row in rows)
        progress = "SELECT coalesce(sum(tuples_processed), 0) FROM pg_stat_progress_copy"
        assert await services[THERE].fetchval(progress) == 0

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.SUBSCRIBED: read, MoveStep.FROZEN: read})
    assert any(hsbc.parent.tenant_id.hex in row for row in found)
    assert not [row for row in found if hsbc.parent.name in row]


@residual(GROUP, "Platform operators see the copy: on the target before the switch, on the source after it.")
async def test_a_platform_operator_and_the_copy(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To change the copy before the switch: an operator sees it, and the comparison notices what was changed."""
    hsbc = await filled_organization(both, registry_here)
    operator = await both.databases[THERE].connect_as_operator()
    token = await Registry(operator).issue_operator_token()
    await operator.close()
    condition = f"WHERE organization_id = '{hsbc.parent.tenant_id}'"
    update = f"UPDATE tenancy.tenants SET metadata = '{{}}' {condition} RETURNING 1"

    async def change() -> None:
        assert len(await attempt(services[THERE], token, update, as_platform=True)) == 3

    with pytest.raises(MoveError, match=r"tenancy\.tenant"):
        await moved(both, hsbc.parent.tenant_id, at={MoveStep.COPIED: change})
    assert await attempt(services[THERE], token, f"{TENANTS} {condition}", as_platform=True) == []
    assert await home_of(both, hsbc.parent.token) == {HERE: "yes", THERE: "28000"}


async def test_the_check_before_the_start_accepts_a_move(both: TwoServers, registry_here: Registry) -> None:
    """A service may start while an organisation moves: neither server has a finding then, in the pause as well."""
    hsbc = await filled_organization(both, registry_here)
    chosen = [database.settings() for database in both.databases.values()]
    engines = [create_engine(service_url(settings), settings) for settings in chosen]
    found: list[object] = []

    async def check() -> None:
        found.extend([(await check_database(engine)).dangers for engine in engines])

    at = dict.fromkeys((MoveStep.COPIED, MoveStep.FROZEN, MoveStep.UNSUBSCRIBED), check)
    await moved(both, hsbc.parent.tenant_id, max_pause=30, at=at)
    for engine in engines:
        await engine.dispose()
    assert found == [[]] * 6
