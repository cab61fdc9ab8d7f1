"""Attacks on the pause of a move, and on what a move leaves in the catalogues."""

import asyncio

import asyncpg

from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.lint.safety_check import check_database
from multi_tenant_db.moving.move_step import MoveStep
from tests.moving.filled import filled_organization, home_of
from tests.moving.moved import moved
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.attack import refused, residual
from tests.support.attempt import attempt_quietly, error_of
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.registry import Registry

GROUP = "while an organisation moves"
TENANTS = "SELECT tenant_id FROM tenancy.tenants"
MOVED = "MT001"

Service = dict[str, asyncpg.Connection]


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


@refused(GROUP)
async def test_locking_the_copy(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To stop the writers of all organisations at one server by a lock at the other, which the copy waits for."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    locked = asyncio.Event()

    async def write(organization: Organization) -> None:
        async with presenting(services[HERE], organization.parent.token):
            await services[HERE].execute("UPDATE tenancy.tenants SET metadata = '{}'")

    async def lock() -> None:
        await services[THERE].execute("BEGIN")
        await services[THERE].execute("LOCK TABLE tenancy.tenants")
        await write(hsbc)  # the copy cannot apply it
        locked.set()

    moving = asyncio.create_task(moved(both, hsbc.parent.tenant_id, at={MoveStep.COPIED: lock}))
    await asyncio.wait((moving, asyncio.ensure_future(locked.wait())), return_when=asyncio.FIRST_COMPLETED)
    assert locked.is_set(), moving.exception()
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + 2
    while loop.time() < ends_at:
        await write(barclays)  # fails after the role's lock_timeout of 2 s
        await services[THERE].execute("SELECT 1")  # or it would be idle for too long, and lose its lock
        await asyncio.sleep(0.1)
    await services[THERE].execute("ROLLBACK")
    await moving
    assert (await home_of(both, hsbc.parent.token))[THERE] == "yes"
