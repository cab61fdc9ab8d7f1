"""What the service's callers and operators see after an export, an import, an erasure and a purge."""

import asyncpg

from multi_tenant_db.records import verifying
from multi_tenant_db.records.catalogue import find_record_tables, in_order_of_deletion
from multi_tenant_db.records.certification import erase_and_certify
from multi_tenant_db.records.erasure import erase
from multi_tenant_db.records.scopes import find_scopes
from tests.records.commands import administer
from tests.records.documents import filled_organization
from tests.support.attempt import attempt, error_of
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

OWN_TRAIL = "SELECT * FROM tenancy.tenant_events WHERE tenant_id = '{}' ORDER BY event_id"


async def erased_subsidiary(here: TestDatabase, registry: Registry, admin: asyncpg.Connection) -> Organization:
    """Erase the first subsidiary of an organisation."""
    hsbc = await filled_organization(here, registry)
    [scope] = await find_scopes(admin, str(hsbc.subsidiaries[0].tenant_id))
    assert (await erase_and_certify(admin, scope, "default")).certificate.complete
    return hsbc


async def test_the_parent_and_operators_see_the_trail(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """The parent and a platform operator see who did what when, without content; a sibling and a stranger nothing."""
    hsbc = await erased_subsidiary(here, registry_here, admin)
    barclays = await filled_organization(here, registry_here, "Barclays")
    child, sibling = hsbc.subsidiaries
    service = await here.connect_as_api()
    query = OWN_TRAIL.format(child.tenant_id)
    by_parent = await attempt(service, hsbc.parent.token, query)
    operator = await registry_here.issue_operator_token()
    by_operator = await attempt(service, operator, query, as_platform=True)
    assert by_parent == by_operator
    kinds = [(event["table_name"], event["event_type"]) for event in by_parent]
    assert kinds == [
        ("tenants", "created"),
        ("accounts", "created"),
        ("accounts", "updated"),
        *[("Odd documents", "created")] * 2,
        ("tenants", "deleted"),
    ]
    assert {value for event in by_parent for value in (event["old_values"], event["new_values"])} == {
        None,
        '{"erased": true}',
    }
    assert by_parent[0]["token_label"] == "test"
    for token in (sibling.token, barclays.parent.token):
        assert await attempt(service, token, query) == []
    assert (await error_of(attempt(service, child.token, query))).sqlstate == "28000"
    await service.close()
    shown = await administer(here, "audit", str(child.tenant_id), COLUMNS="200")
    assert f"deleted, {await admin.fetchval('SELECT session_user')}," in shown.stdout
    assert child.name not in shown.stdout


async def test_a_label_with_its_name_is_replaced(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """An operator's label stays, unless it has a name of the tenant, also an earlier one."""
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[0]
    await admin.execute("UPDATE tenancy.tenants SET name = 'Renamed 100%_\\' WHERE tenant_id = $1", child.tenant_id)
    await admin.execute(
        "UPDATE tenancy.tenant_events SET token_label = $2, actor_tenant_id = NULL WHERE tenant_id = $1",
        child.tenant_id,
        f"for {child.name.lower()}",
    )
    await admin.execute(
        "UPDATE tenancy.tenant_events SET token_label = 'for Renamed 100 percent' WHERE tenant_id = $1"
        " AND table_name = 'accounts'",
        child.tenant_id,
    )
    [scope] = await find_scopes(admin, str(child.tenant_id))
    erased = await erase(admin, scope)
    assert erased.names == ["Renamed 100%_\\", child.name]
    labels = await admin.fetch(f"SELECT DISTINCT token_label FROM ({OWN_TRAIL.format(child.tenant_id)})")
    assert {row[0] for row in labels} == {None, "for Renamed 100 percent"}


async def test_many_names_are_found_as_whole_values(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """Of a large organisation some names are looked for inside texts; the certificate says how many."""
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[1]
    for table in ("account_holders", "letters"):
        await admin.execute(f"CREATE TABLE public.{table} (line text)")
    await admin.execute("INSERT INTO public.account_holders VALUES ($1)", child.name)
    await admin.execute("INSERT INTO public.letters VALUES ($1)", f"Dear {hsbc.parent.name}")
    most, verifying.MOST_NAMES = verifying.MOST_NAMES, 1
    try:
        [scope] = await find_scopes(admin, str(hsbc.parent.tenant_id))
        done = await erase_and_certify(admin, scope, "default")
    finally:
        verifying.MOST_NAMES = most
        await admin.execute("DROP TABLE public.account_holders, public.letters")
    found = done.certificate.verification
    assert found
    assert (found.names_sought, found.names_known) == (1, 3)
    assert [(one.table, one.rows) for one in found.mentions] == [("public.account_holders", 1), ("public.letters", 1)]


async def test_tables_that_refer_to_one_another_are_deleted_in_order(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """A table comes before those it refers to, without ON DELETE CASCADE; a circle is left to it."""
    hsbc = await filled_organization(here, registry_here)
    key = "organization_id uuid, tenant_id uuid"
    reference = "FOREIGN KEY (organization_id, tenant_id)"
    await admin.execute(f"""
        CREATE TABLE tenancy.aa ({key}, PRIMARY KEY (organization_id, tenant_id),
            {reference} REFERENCES tenancy.tenants);
        CREATE TABLE tenancy.bb ({key}, PRIMARY KEY (organization_id, tenant_id), {reference} REFERENCES tenancy.aa);
        CREATE TABLE tenancy.cc ({key}, PRIMARY KEY (organization_id, tenant_id));
        CREATE TABLE tenancy.dd ({key}, PRIMARY KEY (organization_id, tenant_id),
            {reference} REFERENCES tenancy.cc ON DELETE CASCADE);
        ALTER TABLE tenancy.cc ADD {reference} REFERENCES tenancy.dd ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
    """)
    try:
        async with admin.transaction():
            for table in ("aa", "bb", "cc", "dd"):
                await admin.execute(f"INSERT INTO tenancy.{table} VALUES ($1, $1)", hsbc.parent.tenant_id)
        ordered = [table.name for table in await in_order_of_deletion(admin, await find_record_tables(admin))]
        assert ordered.index("tenancy.bb") < ordered.index("tenancy.aa") < ordered.index("tenancy.tenants")
        [scope] = await find_scopes(admin, str(hsbc.parent.tenant_id))
        assert (await erase_and_certify(admin, scope, "default")).certificate.complete
    finally:
        await admin.execute("DROP TABLE tenancy.aa, tenancy.bb, tenancy.cc, tenancy.dd CASCADE")


async def test_a_database_without_a_schema_has_no_tenant(here: TestDatabase) -> None:
    """Before `mtdb migrate` there is nothing to export or erase."""
    empty = here.admin_url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    outcome = await administer(here, "tenant", "erase", "HSBC", "--yes", MTDB_DATABASE_URL=empty)
    assert "there is no tenant 'HSBC'" in outcome.complaint
