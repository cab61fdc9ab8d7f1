"""Attacks on a table that is being protected, by SQL of the service's role, with tokens in hand, at each step."""

import json
from uuid import uuid4

import asyncpg
import pytest

from multi_tenant_db.protecting.former_state import PREFIX
from tests.protecting.legacy_table import STEPS, LegacyTable
from tests.support.accounts import execute_as_owner
from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly, error_of

GROUP = "while a table is being protected"
TO_SHADOW = ("prepare", "backfill", "validate", "shadow")
INSERT = "INSERT INTO tenancy.payments (organization_id, tenant_id, reference) VALUES ({}, '{}', 'mine')"

KNOWN = "SELECT count(*) FROM tenancy_private.organizations_of_tenants"

STATEMENTS = (
    "TABLE tenancy.payments",
    "SELECT organization_id FROM tenancy.payments WHERE tenant_id = '{stranger}'",
    "EXPLAIN SELECT FROM tenancy.payments WHERE reference = 'payment 1'",
    "INSERT INTO tenancy.payments (tenant_id, reference) VALUES ('{stranger}', 'x') RETURNING organization_id",
    "UPDATE tenancy.payments SET amount = 0",
    "DELETE FROM tenancy.payments",
    "TRUNCATE tenancy.payments",
    "COPY tenancy.payments TO STDOUT",
    "LOCK TABLE tenancy.payments",
    "ALTER TABLE tenancy.payments DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON tenancy.payments USING (true)",
    "DROP TRIGGER payments_look_up_organization ON tenancy.payments",
    "COMMENT ON COLUMN tenancy.payments.organization_id IS NULL",
    "SELECT pg_get_userbyid(1), query_to_xml('TABLE tenancy.payments', true, true, '')",
)
FUNCTIONS = (
    "TABLE tenancy_private.organizations_of_tenants",
    "INSERT INTO tenancy_private.organizations_of_tenants VALUES ('{stranger}', '{stranger}')",
    "DELETE FROM tenancy_private.organizations_of_tenants",
    "SELECT tenancy_private.look_up_organization()",
    "SELECT tenancy_private.remember_organization()",
    "SELECT tenancy.reach_in_shadow()",
    "SELECT tenancy.passes_in_shadow('a.b', 'tenancy.payments', 'SELECT')",
    "ALTER TABLE tenancy.tenants ENABLE TRIGGER tenants_remember_organization",
    "ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_remember_organization",
    """
    CREATE TRIGGER mine BEFORE INSERT ON tenancy.tenants
    FOR EACH ROW EXECUTE FUNCTION tenancy_private.look_up_organization()
    """,
)


@refused(GROUP)
async def test_reaching_the_table_before_it_is_enforced(legacy: LegacyTable, service: asyncpg.Connection) -> None:
    """To read or write the table, its trigger or its policies before the policies of tokens are there."""
    mine, theirs = legacy.banks
    for command in TO_SHADOW:
        await legacy.do(command)
        for statement in STATEMENTS:
            for as_platform in (False, True):
                error = await error_of(
                    attempt(
                        service,
                        mine.parent.token,
                        statement.format(stranger=theirs.parent.tenant_id),
                        as_platform=as_platform,
                    )
                )
                assert isinstance(error, asyncpg.InsufficientPrivilegeError), (command, statement, error)


@refused(GROUP)
async def test_what_finds_the_organisation(legacy: LegacyTable, service: asyncpg.Connection) -> None:
    """To learn a stranger's organisation from the copy of the keys, or to use, forge or stop what fills it in."""
    mine, theirs = legacy.banks
    for command, *_ in STEPS:
        await legacy.do(command)
        for statement in FUNCTIONS:
            for as_platform in (False, True):
                error = await error_of(
                    attempt(
                        service,
                        mine.parent.token,
                        statement.format(stranger=theirs.parent.tenant_id),
                        as_platform=as_platform,
                    )
                )
                assert isinstance(error, asyncpg.InsufficientPrivilegeError), (command, statement, error)


@refused(GROUP)
async def test_having_the_organisation_filled_in(legacy: LegacyTable, service: asyncpg.Connection) -> None:
    """To add a row for a stranger and have its organisation filled in: a hidden tenant and an absent one look alike."""
    await legacy.admin.execute("ALTER TABLE tenancy.payments ALTER COLUMN amount SET DEFAULT 0")
    await legacy.do(*TO_SHADOW, "enforce")
    mine, theirs = legacy.banks
    own = f"'{mine.parent.tenant_id}'"
    for organization in ("NULL", own, f"'{theirs.parent.tenant_id}'"):
        errors = [
            await error_of(attempt(service, mine.parent.token, INSERT.format(organization, tenant)))
            for tenant in (theirs.subsidiaries[0].tenant_id, uuid4())
        ]
        assert len({(error.sqlstate, error.message, error.detail) for error in errors}) == 1
    assert await attempt_quietly(service, mine.parent.token, INSERT.format("NULL", mine.parent.tenant_id)) is None
    assert await attempt_quietly(service, mine.parent.token, INSERT.format(own, mine.parent.tenant_id)) == []


@sees_nothing(GROUP)
async def test_creating_tenants_meanwhile(legacy: LegacyTable, service: asyncpg.Connection) -> None:
    """To notice by creating or deleting a tenant that its key is copied: nothing of the copy is shown or kept."""
    mine = legacy.banks[0].parent
    create = (
        "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
        f" VALUES ('subsidiary', '{mine.tenant_id}', '{{}}') RETURNING tenant_id"
    )
    for command in ("status", "prepare", "undo"):
        assert (await legacy.run(command)).exit_code == 0
        known = await legacy.admin.fetchval(KNOWN)
        rows = await attempt(service, mine.token, create.format(f"after {command}"))
        assert await attempt(service, mine.token, f"DELETE FROM tenancy.tenants WHERE tenant_id = '{rows[0][0]}'") == []
        assert await legacy.admin.fetchval(KNOWN) == known == (6 if command == "prepare" else 0)


@sees_nothing(GROUP)
async def test_estimates_of_the_enforced_table(legacy: LegacyTable, service: asyncpg.Connection) -> None:
    """To read in estimates what strangers' rows have, from samples that were taken before the table was enforced."""
    stranger = legacy.banks[1].parent.tenant_id
    many = (
        "INSERT INTO tenancy.payments (tenant_id, reference, amount) SELECT $1, 'merger', 7 FROM generate_series(1, $2)"
    )
    await legacy.admin.execute(many, stranger, 9_000)
    await legacy.admin.execute("ANALYZE tenancy.payments")
    await legacy.do(*TO_SHADOW, "enforce")
    plans = []
    for word in ("merger", "absent"):
        for condition in (f"reference = '{word}'", f"lower(reference) = '{word}'"):
            plan = await attempt(
                service, legacy.banks[0].parent.token, f"EXPLAIN SELECT FROM tenancy.payments WHERE {condition}"
            )
            plans.append([row[0].replace(word, "") for row in plan])
    assert plans[:2] == plans[2:]


@residual(GROUP, "the application's roles, which read the whole table until it is enforced, can write such lines")
async def test_forging_the_log(legacy: LegacyTable, application: asyncpg.Connection) -> None:
    """To write lines of the shadow into the log, or keep them out: only the application's own roles can."""
    await legacy.do(*TO_SHADOW)
    lines: list[object] = []
    application.add_log_listener(lambda _, message: lines.append(message.sqlstate))
    await application.execute("SET client_min_messages = log")
    await application.execute("SELECT tenancy.passes_in_shadow('a.b', 'pg_class', 'SELECT')")
    assert lines == ["MT004"]
    oid = await application.fetchval("SELECT 'tenancy.payments'::regclass::oid")
    await application.execute(f"SET mtdb_shadow.SELECT{oid} = '99999999999'")
    await application.execute("SELECT FROM tenancy.payments")
    assert lines == ["MT004"]
    await legacy.do("enforce")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await application.execute("SELECT tenancy.passes_in_shadow('a.b', 'pg_class', 'SELECT')")


@refused(GROUP)
@pytest.mark.parametrize(
    ("member", "position", "value"),
    [
        ("grants", (0, 0), "SELECT ON tenancy.payments TO tenancy_owner; {}; GRANT SELECT"),
        ("grants", (0, 2), "tenancy_owner; {}"),
        ("statistics", "amount", "-1; {}"),
        ("index_statistics", (0, 0), "tenancy.payments_reference ALTER COLUMN 1 SET STATISTICS -1; {}; ALTER INDEX x"),
        ("index_statistics", (0, 1), "1 SET STATISTICS -1; {}"),
        ("index_statistics", (0, 2), "-1; {}"),
    ],
)
async def test_statements_in_the_comment(
    legacy: LegacyTable, member: str, position: tuple[int, int] | str, value: str
) -> None:
    """To have `undo` run statements as a superuser, which the owner of the table has put into its comment."""
    await legacy.do(*TO_SHADOW, "enforce")
    comment = """
        SELECT col_description(attribute.attrelid, attribute.attnum) FROM pg_attribute AS attribute
        WHERE attribute.attrelid = 'tenancy.payments'::regclass AND attribute.attname = 'organization_id'
    """
    former = json.loads((await legacy.admin.fetchval(comment)).removeprefix(PREFIX))
    forged = value.format("RESET ROLE; ALTER ROLE tenancy_owner SUPERUSER; SET ROLE tenancy_owner")
    if isinstance(position, str):
        former[member][position] = forged
    else:
        former[member][position[0]][position[1]] = forged
    text = await legacy.admin.fetchval("SELECT quote_literal($1::text)", PREFIX + json.dumps(former))
    await execute_as_owner(legacy.admin, f"COMMENT ON COLUMN tenancy.payments.organization_id IS {text}")
    outcome = await legacy.run("undo")
    try:
        assert not await legacy.admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'tenancy_owner'")
    finally:
        await legacy.admin.execute("ALTER ROLE tenancy_owner NOSUPERUSER")
    assert "the comment of the column organization_id of tenancy.payments names what is not there" in outcome.complaint
