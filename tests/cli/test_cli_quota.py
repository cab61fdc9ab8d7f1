"""`mtdb quota`: limits of one organisation, and the default, on one server and on several."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.operator_session import operator_engine
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.models.quota import Quota
from multi_tenant_db.repositories.quota_repository import QuotaRepository
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


async def new_organization(database: TestDatabase) -> Organization:
    """Make a bank with two subsidiaries on one of the servers."""
    operator = await database.connect_as_operator()
    organization = await Registry(operator).create_organization("Bank")
    await operator.close()
    return organization


async def stored(database: TestDatabase) -> dict[UUID | None, int]:
    """Return the quotas of a server."""
    admin = await database.connect_as_admin()
    rows = await admin.fetch("SELECT organization_id, max_subsidiaries FROM tenancy_private.quotas")
    await admin.close()
    return {row["organization_id"]: row["max_subsidiaries"] for row in rows}


@pytest.mark.parametrize("by", ["name", "id"])
async def test_a_quota_is_set_changed_and_removed(own: TestDatabase, by: str) -> None:
    """The organisation is named by name or id; each command says what is so now."""
    settings = settings_for(own)
    parent = (await new_organization(own)).parent
    given = parent.name if by == "name" else str(parent.tenant_id)
    for maximum in (50, 0):
        outcome = await mtdb("quota", "set", given, str(maximum), env=settings)
        said = f"{parent.name} may have at most {maximum} subsidiaries\n"
        assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, said, "")
        assert (await stored(own))[parent.tenant_id] == maximum
    outcome = await mtdb("quota", "remove", given, env=settings)
    assert (outcome.exit_code, outcome.stdout) == (0, f"the quota of {parent.name} is removed\n")
    assert parent.tenant_id not in await stored(own)
    again = await mtdb("quota", "remove", given, env=settings)
    assert again.exit_code == ExitCode.FAILED
    assert again.complaint == f"mtdb: there is no quota of {parent.name}: see `mtdb quota list`"


async def test_the_default_is_set_and_removed(own: TestDatabase) -> None:
    """It belongs to no organisation."""
    settings = settings_for(own)
    outcome = await mtdb("quota", "set", "--default", "1000", env=settings)
    assert outcome.stdout == "an organisation without a quota may have at most 1000 subsidiaries\n"
    assert (await stored(own))[None] == 1000
    assert (await mtdb("quota", "remove", "--default", env=settings)).stdout == "the default is removed\n"
    assert None not in await stored(own)
    again = await mtdb("quota", "remove", "--default", env=settings)
    assert again.exit_code == ExitCode.FAILED
    assert again.complaint == "mtdb: there is no default: see `mtdb quota list`"


async def test_quotas_are_listed_with_what_is_used(own: TestDatabase) -> None:
    """The default comes first and counts nothing; a deleted subsidiary is no longer counted. 80 columns suffice."""
    settings = settings_for(own)
    bank = await new_organization(own)
    await mtdb("quota", "set", "--default", "7", env=settings)
    await mtdb("quota", "set", bank.parent.name, "1", env=settings)
    listed = (await mtdb("quota", "list", "--json", env=settings)).json
    table = await mtdb("quota", "list", env=settings)
    await mtdb("quota", "remove", "--default", env=settings)

    default = {"organization_id": None, "organization": None, "max_subsidiaries": 7, "used": None}
    own_row = {"organization_id": str(bank.parent.tenant_id), "organization": bank.parent.name}
    assert listed[0] == default
    assert own_row | {"max_subsidiaries": 1, "used": 2} in listed
    lines = table.stdout.splitlines()
    assert lines[1].split() == ["(default)", "7", "-"]
    assert [bank.parent.name.split()[0], bank.parent.name.split()[1], "1", "2"] in [line.split() for line in lines]
    assert str(bank.parent.tenant_id) in table.stdout
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("set",), "name an organisation and its maximum"),
        (("set", "HSBC"), "name an organisation and its maximum"),
        (("set", "HSBC", "5", "--default", "6"), "the default belongs to no organisation"),
        (("set", "HSBC", "-1"), "-1"),
        (("set", "--default", "2147483648"), "Invalid value for '--default'"),
        (("remove",), "name an organisation, or use --default"),
        (("remove", "HSBC", "--default"), "name an organisation, or use --default"),
    ],
)
async def test_wrong_usage(own: TestDatabase, arguments: tuple[str, ...], reason: str) -> None:
    """Nothing is changed, and the reason is told."""
    before = await stored(own)
    outcome = await mtdb("quota", *arguments, env=settings_for(own, COLUMNS="200"))
    assert (outcome.exit_code, outcome.stdout) == (ExitCode.USAGE, "")
    assert reason in outcome.stderr
    assert await stored(own) == before


async def test_only_a_parent_has_a_quota(own: TestDatabase) -> None:
    """A subsidiary, by name or id, and what does not exist are no parents."""
    bank = await new_organization(own)
    subsidiary = bank.subsidiaries[0]
    expected = {
        subsidiary.name: f"is a subsidiary: name its parent {bank.parent.tenant_id}",
        str(subsidiary.tenant_id): f"is a subsidiary: name its parent {bank.parent.tenant_id}",
    } | dict.fromkeys(("Nowhere", "\udcff", str(uuid4())), "there is no parent")
    for given, complaint in expected.items():
        outcome = await mtdb("quota", "set", given, "5", env=settings_for(own))
        assert outcome.exit_code == ExitCode.FAILED
        assert complaint in outcome.complaint


async def test_an_organisation_deleted_at_this_moment_is_one_line(own: TestDatabase) -> None:
    """When the organisation goes between the look-up and the change, the line says so, and no quota is left."""
    bank = await new_organization(own)
    admin = await own.connect_as_admin()
    await admin.execute("""
        CREATE FUNCTION public.delete_it() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.organization_id := gen_random_uuid();
            RETURN NEW;
        END $$;
        CREATE TRIGGER delete_it BEFORE INSERT ON tenancy_private.quotas FOR EACH ROW
        EXECUTE FUNCTION public.delete_it();
    """)
    try:
        outcome = await mtdb("quota", "set", bank.parent.name, "5", env=settings_for(own))
    finally:
        await admin.execute("DROP FUNCTION public.delete_it() CASCADE")
        await admin.close()

    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.complaint == "mtdb: The organisation has just been deleted."


async def test_another_constraint_is_a_defect(own: TestDatabase) -> None:
    """A number that the command does not let through is an error of the database, and no missing organisation."""
    async with operator_engine(own.settings()) as engine:
        with pytest.raises(DBAPIError, match="quotas_max_subsidiaries_is_not_negative"):
            async with transaction(engine) as session:
                await QuotaRepository(session).set(Quota(None, -1))


async def test_several_servers(both: dict[str, str], own: TestDatabase, other: TestDatabase) -> None:
    """An organisation's quota is set where it is, the default on all servers or on one; the list names the server."""
    bank = await new_organization(other)
    outcome = await mtdb("quota", "set", bank.parent.name, "5", env=both)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert bank.parent.tenant_id in await stored(other)
    assert bank.parent.tenant_id not in await stored(own)

    assert len((await mtdb("quota", "set", "--default", "9", env=both)).stdout.splitlines()) == 2
    removed = await mtdb("quota", "remove", "--default", "--server", "b", env=both)
    assert (removed.exit_code, removed.stdout) == (0, "the default is removed\n")
    assert [(await stored(database)).get(None) for database in (own, other)] == [9, None]
    listed = (await mtdb("quota", "list", "--json", env=both)).json
    assert {(row["server"], row["max_subsidiaries"]) for row in listed} >= {("default", 9), ("b", 5)}
    table = (await mtdb("quota", "list", env=both)).stdout
    assert max(map(len, table.splitlines())) <= 80
    once = await mtdb("quota", "remove", "--default", env=both)
    assert (once.exit_code, once.stdout) == (0, "server default: the default is removed\n")


async def test_a_server_that_is_away(one_away: dict[str, str], own: TestDatabase) -> None:
    """The default is set and listed on the others, and the exit code tells."""
    for arguments in (("set", "--default", "9"), ("list",), ("remove", "--default")):
        outcome = await mtdb("quota", *arguments, env=one_away)
        assert outcome.exit_code == ExitCode.NO_DATABASE
        assert outcome.stderr.startswith("mtdb: server c: the database cannot be reached")
        assert outcome.stdout
    assert None not in await stored(own)
