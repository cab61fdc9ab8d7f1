"""Constraints that bind every writer, the superuser included: the tree, the names, versions and times."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

INSERT = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ($1, $2, $3) RETURNING tenant_id"
WITH_ID = "INSERT INTO tenancy.tenants (tenant_id, tenant_type, parent_tenant_id, name) VALUES ($1, $2, $3, $4)"
DEMOTE = """
    UPDATE tenancy.tenants
    SET tenant_type = 'subsidiary', parent_tenant_id = $2, organization_id = $2
    WHERE tenant_id = $1
"""
IDS = 10_000


async def refuse(connection: asyncpg.Connection, constraint: str, statement: str, *values: object) -> None:
    """Run a statement that this constraint, and no other, must refuse."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await connection.execute(statement, *values)
    assert refusal.value.constraint_name == constraint


async def test_a_subsidiary_has_no_subsidiaries(as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """A third level is refused: a parent must be the head of its organisation."""
    await refuse(as_admin, "tenants_parent_fkey", INSERT, "subsidiary", hsbc.subsidiaries[0].tenant_id, "Third level")


async def test_a_parent_must_exist(as_admin: asyncpg.Connection) -> None:
    """A subsidiary without a parent is refused."""
    await refuse(as_admin, "tenants_parent_fkey", INSERT, "subsidiary", uuid4(), "Orphan")


async def test_a_parent_with_subsidiaries_becomes_no_subsidiary(
    as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """A head with subsidiaries cannot move under another organisation, so there is no third level and no cycle."""
    for new_parent in (barclays.parent, hsbc.subsidiaries[0]):
        await refuse(as_admin, "tenants_parent_fkey", DEMOTE, hsbc.parent.tenant_id, new_parent.tenant_id)


@pytest.mark.parametrize("wrong", ["organization_id = $2", "tenant_type = 'subsidiary', parent_tenant_id = $2"])
async def test_a_tenant_never_changes_organisation_alone(
    as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, wrong: str
) -> None:
    """An organisation that is not the parent's, and a parent of another organisation, are refused by the CHECK."""
    await refuse(
        as_admin,
        "tenants_organization_follows_from_the_parent",
        f"UPDATE tenancy.tenants SET {wrong} WHERE tenant_id = $1",
        hsbc.parent.tenant_id,
        barclays.parent.tenant_id,
    )


@pytest.mark.parametrize("source", ["VALUES ($1::uuid, $2::uuid)", "SELECT $1::uuid, $2::uuid"])
async def test_a_wrong_organisation_is_not_stored(
    as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, source: str
) -> None:
    """An insert that names another organisation than the parent's is refused, not corrected."""
    statement = f"""
        WITH given (organization_id, parent_tenant_id) AS ({source})
        INSERT INTO tenancy.tenants (organization_id, tenant_type, parent_tenant_id, name)
        SELECT organization_id, 'subsidiary', parent_tenant_id, 'Stray' FROM given
    """
    rule = "tenants_organization_follows_from_the_parent"
    await refuse(as_admin, rule, statement, barclays.parent.tenant_id, hsbc.parent.tenant_id)


@pytest.mark.parametrize("way", ["INSERT", "ON CONFLICT", "MERGE", "COPY"])
async def test_the_database_fills_in_the_organisation(as_admin: asyncpg.Connection, way: str) -> None:
    """A tenant added without an organisation gets its parent's, or its own id."""
    parent, name = await as_admin.fetchval(INSERT, "parent", None, "Head"), f"Added by {way} {uuid4()}"
    rows = f"(VALUES ('subsidiary', '{parent}'::uuid, '{name}'), ('parent', NULL, '{name}')) AS t (kind, parent, name)"
    columns = "tenant_type, parent_tenant_id, name"
    if way == "COPY":
        await as_admin.copy_records_to_table(
            "tenants",
            schema_name="tenancy",
            columns=columns.split(", "),
            records=[("subsidiary", parent, name), ("parent", None, name)],
        )
    elif way == "MERGE":
        await as_admin.execute(f"""
            MERGE INTO tenancy.tenants USING {rows} ON false
            WHEN NOT MATCHED THEN INSERT ({columns}) VALUES (t.kind::tenancy.tenant_type, t.parent, t.name)
        """)
    else:
        conflict = "ON CONFLICT DO NOTHING" if way == "ON CONFLICT" else ""
        await as_admin.execute(f"""
            INSERT INTO tenancy.tenants ({columns})
            SELECT kind::tenancy.tenant_type, parent, name FROM {rows}
            {conflict}
        """)
    stored = await as_admin.fetch("SELECT * FROM tenancy.tenants WHERE name = $1", name)
    assert {row["tenant_type"]: row["organization_id"] for row in stored} == {
        "subsidiary": parent,
        "parent": next(row["tenant_id"] for row in stored if row["tenant_type"] == "parent"),
    }


async def test_without_its_trigger_a_tenant_is_not_stored(as_admin: asyncpg.Connection) -> None:
    """Where nothing fills the organisation in, the insert fails: no row is outside every organisation."""
    transaction = as_admin.transaction()
    await transaction.start()
    try:
        await as_admin.execute("ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_fill_in_organization")
        with pytest.raises(asyncpg.NotNullViolationError, match="organization_id"):
            await as_admin.execute(INSERT, "parent", None, "Lost")
    finally:
        await transaction.rollback()


async def test_a_tenant_is_not_its_own_parent(as_admin: asyncpg.Connection) -> None:
    """The shortest cycle, one tenant that is its own parent, is refused."""
    myself = uuid4()
    await refuse(as_admin, "tenants_parent_is_another_tenant", WITH_ID, myself, "subsidiary", myself, "Ouroboros")


async def test_a_longer_cycle_cannot_be_written_at_once(as_admin: asyncpg.Connection) -> None:
    """Two tenants that are each other's parent are refused, even in one statement."""
    cycle = """
        INSERT INTO tenancy.tenants (tenant_id, tenant_type, parent_tenant_id, name)
        VALUES ($1, 'subsidiary', $2, 'Hen'), ($2, 'subsidiary', $1, 'Egg')
    """
    await refuse(as_admin, "tenants_parent_fkey", cycle, uuid4(), uuid4())


@pytest.mark.parametrize(("kind", "has_parent"), [("parent", True), ("subsidiary", False)])
async def test_the_type_tells_whether_there_is_a_parent(
    as_admin: asyncpg.Connection, hsbc: Organization, kind: str, has_parent: bool
) -> None:
    """A parent with a parent and a subsidiary without one are refused."""
    parent_id = hsbc.parent.tenant_id if has_parent else None
    rule = "tenants_subsidiary_has_a_parent_and_a_parent_has_none"
    await refuse(as_admin, rule, INSERT, kind, parent_id, "Centaur")


@pytest.mark.parametrize("demoted_first", [True, False])
async def test_racing_transactions_build_no_third_level(
    database: TestDatabase, as_admin: asyncpg.Connection, demoted_first: bool
) -> None:
    """A head that moves under another while it gets a subsidiary makes the later transaction wait and fail."""
    above, middle = [await as_admin.fetchval(INSERT, "parent", None, f"Head {uuid4()}") for _ in range(2)]
    steps: list[tuple[object, ...]] = [(DEMOTE, middle, above), (INSERT, "subsidiary", middle, "Below")]
    earlier, later = steps if demoted_first else reversed(steps)
    rival = await database.connect_as_admin()
    try:
        async with as_admin.transaction():
            await as_admin.fetchval(*earlier)
            waiting = asyncio.create_task(rival.fetchval(*later))
            await asyncio.sleep(0.1)
            assert not waiting.done()
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="tenants_parent_fkey"):
            await waiting
    finally:
        await rival.close()


async def test_names_are_unique_inside_an_organisation_only(
    as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """The same name is refused twice in one organisation, its head's included, and accepted in another."""
    for taken in hsbc.parties:
        rule = "tenants_name_unique_in_organization"
        await refuse(as_admin, rule, INSERT, "subsidiary", hsbc.parent.tenant_id, taken.name)
        assert await as_admin.fetchval(INSERT, "subsidiary", barclays.parent.tenant_id, taken.name)
    assert await as_admin.fetchval(INSERT, "parent", None, hsbc.parent.name)


@pytest.mark.parametrize(
    ("constraint", "name"),
    [
        ("tenants_name_length", ""),
        ("tenants_name_length", "x" * 201),
        ("tenants_name_is_trimmed", " HSBC"),
        ("tenants_name_is_trimmed", "HSBC "),
        ("tenants_name_is_normalized", "Cre\u0301dit"),
        ("tenants_name_has_no_control_characters", "HS\nBC"),
        ("tenants_name_has_no_control_characters", "HS\x7fBC"),
        ("tenants_name_has_no_control_characters", "HS\x85BC"),
    ],
)
async def test_names_follow_the_rules(as_admin: asyncpg.Connection, constraint: str, name: str) -> None:
    """An empty, long, padded, decomposed or control-ridden name is refused by the check that says so."""
    await refuse(as_admin, constraint, INSERT, "parent", None, name)


@pytest.mark.parametrize("name", ["x", "ü" * 200, "Crédit Agricole", "三菱UFJ銀行"])
async def test_good_names_pass(as_admin: asyncpg.Connection, name: str) -> None:
    """Names of one to two hundred characters in any script are stored as they are."""
    tenant_id = await as_admin.fetchval(INSERT, "parent", None, name)

    assert await as_admin.fetchval("SELECT name FROM tenancy.tenants WHERE tenant_id = $1", tenant_id) == name


@pytest.mark.parametrize(
    ("constraint", "metadata"),
    [
        *(("tenants_metadata_is_an_object", text) for text in ("[]", '"text"', "1", "true", "null")),
        ("tenants_metadata_size", '{"key": "' + "x" * 65_536 + '"}'),
    ],
)
async def test_metadata_is_an_object_of_bounded_size(
    as_admin: asyncpg.Connection, constraint: str, metadata: str
) -> None:
    """Metadata that is no object, or larger than 64 KiB as text, is refused."""
    statement = "INSERT INTO tenancy.tenants (tenant_type, name, metadata) VALUES ('parent', 'Bank', $1)"
    await refuse(as_admin, constraint, statement, metadata)


async def test_every_update_is_stamped(as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """An update, even an idle one, raises the version by one and moves updated_at, whatever the writer puts there."""
    tenant_id = hsbc.parent.tenant_id
    read = "SELECT version, created_at, updated_at FROM tenancy.tenants WHERE tenant_id = $1"
    created = await as_admin.fetchrow(read, tenant_id)
    assert created["version"] == 1
    assert created["updated_at"] == created["created_at"]

    await as_admin.execute(
        "UPDATE tenancy.tenants SET version = 99, updated_at = '2000-01-01' WHERE tenant_id = $1", tenant_id
    )
    forged = await as_admin.fetchrow(read, tenant_id)
    await as_admin.execute("UPDATE tenancy.tenants SET name = name WHERE tenant_id = $1", tenant_id)
    idle = await as_admin.fetchrow(read, tenant_id)

    assert (forged["version"], idle["version"]) == (2, 3)
    assert created["updated_at"] < forged["updated_at"] < idle["updated_at"]
    assert created["created_at"] == forged["created_at"] == idle["created_at"]


async def test_updated_at_never_decreases(
    as_admin: asyncpg.Connection, database: TestDatabase, hsbc: Organization
) -> None:
    """A writer that began before the change it waited for does not move it back, nor does a clock that was set back."""
    update = "UPDATE tenancy.tenants SET name = name WHERE tenant_id = $1 RETURNING updated_at"
    late = await database.connect_as_admin()
    async with late.transaction():
        await late.fetchval("SELECT now()")
        first = await as_admin.fetchval(update, hsbc.parent.tenant_id)
        second = await late.fetchval(update, hsbc.parent.tenant_id)
    await late.close()
    assert second > first

    ahead = "ALTER TABLE tenancy.tenants {} TRIGGER tenants_stamp_update"
    async with as_admin.transaction():
        await as_admin.execute(ahead.format("DISABLE"))
        await as_admin.execute(
            "UPDATE tenancy.tenants SET updated_at = '2999-01-01' WHERE tenant_id = $1", hsbc.parent.tenant_id
        )
        await as_admin.execute(ahead.format("ENABLE"))
    assert (await as_admin.fetchval(update, hsbc.parent.tenant_id)).year == 2999


async def test_ids_are_uuids_of_version_7(as_api: asyncpg.Connection) -> None:
    """An id has the version and variant bits of RFC 9562, and begins with the time in milliseconds."""
    before = datetime.now(UTC)
    ids = [await as_api.fetchval("SELECT tenancy.uuid_v7()") for _ in range(20)]
    after = datetime.now(UTC)

    slack = timedelta(milliseconds=1)
    for made in ids:
        assert (made.version, made.variant) == (7, "specified in RFC 4122")
        moment = datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
        assert before - slack <= moment <= after + slack


async def test_ids_of_one_statement_never_go_back_in_time(as_api: asyncpg.Connection) -> None:
    """Ten thousand ids are distinct, and each shows the microsecond it was made in: none sorts before an earlier one.

    The guarantee is the clock's: two ids of one microsecond are in no particular order.
    """
    rows = await as_api.fetch("SELECT tenancy.uuid_v7() AS made FROM generate_series(1, $1)", IDS)
    made: list[UUID] = [row["made"] for row in rows]

    assert len(set(made)) == IDS
    # 48 bits of milliseconds, 4 of version, 12 of the fraction of a millisecond.
    clocks = [identifier.int >> 64 for identifier in made]
    assert clocks == sorted(clocks)
    assert len(set(clocks)) > IDS / 10


async def test_heads_sort_before_their_subsidiaries(as_admin: asyncpg.Connection, registry: Registry) -> None:
    """In key order an organisation's head comes first, then its subsidiaries as they were created."""
    bank = await registry.create_organization(subsidiaries=20)
    rows = await as_admin.fetch(
        "SELECT tenant_id FROM tenancy.tenants WHERE organization_id = $1 ORDER BY organization_id, tenant_id",
        bank.parent.tenant_id,
    )

    assert [row["tenant_id"] for row in rows] == [party.tenant_id for party in bank.parties]
