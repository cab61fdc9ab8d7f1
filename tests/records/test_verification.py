"""The certificate does not lie: what remains anywhere in the database is found."""

from typing import Any

import asyncpg
import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from tests.records.commands import administer
from tests.records.documents import filled_organization
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

REMAINS: dict[str, tuple[str, str, str]] = {
    "an id in a table of another schema": (
        "CREATE TABLE public.report AS SELECT '{child}'::uuid AS of_tenant",
        "DROP TABLE public.report",
        "public.report (of_tenant): 1",
    ),
    "an id in a text": (
        "CREATE TABLE public.report AS SELECT 'Tenant {CHILD}, closed'::text AS line",
        "DROP TABLE public.report",
        "public.report (line): 1",
    ),
    "an id without hyphens": (
        "CREATE TABLE public.report AS SELECT 'x{hex}y'::varchar(99) AS line",
        "DROP TABLE public.report",
        "public.report (line): 1",
    ),
    "an id as bytes": (
        "CREATE TABLE public.report AS SELECT '\\x{hex}'::bytea AS line",
        "DROP TABLE public.report",
        "public.report (line): 1",
    ),
    "ids in an array": (
        "CREATE TABLE public.report AS SELECT ARRAY['{child}'::uuid] AS ids",
        "DROP TABLE public.report",
        "public.report (ids): 1",
    ),
    "an id in another tenant's metadata": (
        "UPDATE tenancy.tenants SET metadata = '{{\"of\": \"{child}\"}}' WHERE tenant_id = '{head}'",
        "SELECT",
        "tenancy.tenants (metadata): 1",
    ),
    "an id in a materialised view": (
        "CREATE MATERIALIZED VIEW public.report AS SELECT tenant_id FROM tenancy.tenants",
        "DROP MATERIALIZED VIEW public.report",
        "public.report (tenant_id): 1",
    ),
    "an unlogged table": (
        "CREATE UNLOGGED TABLE public.report AS SELECT '{child}'::uuid AS of_tenant",
        "DROP TABLE public.report",
        "public.report (of_tenant): 1",
    ),
    "a partition": (
        """
        CREATE TABLE public.report (of_tenant uuid) PARTITION BY HASH (of_tenant);
        CREATE TABLE public.part PARTITION OF public.report FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        INSERT INTO public.report VALUES ('{child}');
        """,
        "DROP TABLE public.report",
        "public.part (of_tenant): 1",
    ),
}


def text_for(template: str, organization: Organization) -> str:
    """Fill in the ids of a subsidiary."""
    child = organization.subsidiaries[0].tenant_id
    ids: dict[str, Any] = {"child": child, "CHILD": str(child).upper(), "hex": child.hex}
    return template.format(head=organization.parent.tenant_id, **ids)


@pytest.mark.parametrize("place", REMAINS)
async def test_what_remains_is_found(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, place: str
) -> None:
    """An id that no policy and no foreign key knows of makes the certificate incomplete, and the command fail."""
    hsbc = await filled_organization(here, registry_here)
    plant, remove, said = REMAINS[place]
    await admin.execute(text_for(plant, hsbc))
    try:
        outcome = await administer(here, "tenant", "erase", hsbc.subsidiaries[0].name, "--yes", "--json")
    finally:
        await admin.execute(remove)
    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.json["complete"] is False
    assert said in outcome.stderr


@pytest.mark.parametrize(
    ("when", "action", "said"),
    [
        ("UPDATE ON tenancy.tenant_events", "RETURN NULL", "tenancy.tenant_events (old_values, new_values): 6"),
        ("DELETE ON tenancy.accounts", "RETURN NULL", "tenancy.accounts (tenant_id): 1"),
        ("DELETE ON tenancy_private.idempotency_keys", "RETURN NULL", "idempotency_keys (answer): 2"),
        ("DELETE ON tenancy_private.access_tokens", "RETURN NULL", "access_tokens (token_hash): 1"),
        (
            "UPDATE ON tenancy.tenant_events",
            "NEW.token_label := OLD.token_label; RETURN NEW",
            "tenancy.tenant_events (token_label): 1",
        ),
        (
            "UPDATE ON tenancy.tenant_events",
            "NEW.request_id := OLD.request_id; RETURN NEW",
            "tenancy.tenant_events (request_id): 2",
        ),
    ],
)
async def test_a_sabotaged_erasure_is_found(  # noqa: PLR0913, PLR0917 - fixtures and cases
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, when: str, action: str, said: str
) -> None:
    """A trigger that keeps what should go does not keep it from being seen."""
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[0]
    service = await here.connect_as_api()
    async with service.transaction():
        await service.execute("SELECT tenancy.sign_in($1, $2)", child.token, "by Anna")
        await service.execute("UPDATE tenancy.tenants SET metadata = '{}'")
    await service.close()
    table = when.rpartition(" ")[2]
    await admin.execute(f"""
        CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {action}; END $$;
        CREATE TRIGGER keep BEFORE {when} FOR EACH ROW EXECUTE FUNCTION public.keep();
        ALTER TABLE tenancy.accounts DROP CONSTRAINT accounts_tenant_fkey;
        ALTER TABLE tenancy_private.access_tokens DROP CONSTRAINT access_tokens_tenant_fkey;
    """)
    try:
        outcome = await administer(here, "tenant", "erase", child.name, "--yes", "--json")
    finally:
        await admin.execute(f"""
            DROP TRIGGER keep ON {table};
            DROP FUNCTION public.keep();
            DELETE FROM tenancy.accounts WHERE tenant_id = '{child.tenant_id}';
            DELETE FROM tenancy_private.access_tokens WHERE tenant_id = '{child.tenant_id}';
            ALTER TABLE tenancy.accounts ADD CONSTRAINT accounts_tenant_fkey
                FOREIGN KEY (organization_id, tenant_id) REFERENCES tenancy.tenants ON DELETE CASCADE;
            ALTER TABLE tenancy_private.access_tokens ADD CONSTRAINT access_tokens_tenant_fkey
                FOREIGN KEY (organization_id, tenant_id) REFERENCES tenancy.tenants ON DELETE CASCADE;
        """)
    assert outcome.exit_code == ExitCode.FAILED
    assert said in outcome.stderr
    assert (await administer(here, "tenant", "erase", str(child.tenant_id), "--yes")).exit_code == 0


async def test_names_in_rows_of_others_are_told(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """Another tenant's rows stay as they are, also if they have the name; a foreign table cannot be read."""
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[0]
    note = f"Was {child.name.upper()}'s"
    await admin.execute("UPDATE tenancy.accounts SET name = $2 WHERE tenant_id = $1", hsbc.parent.tenant_id, note)
    await admin.execute("""
        CREATE FOREIGN DATA WRAPPER elsewhere;
        CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere;
        CREATE FOREIGN TABLE public.remote (line text) SERVER elsewhere;
    """)
    try:
        outcome = await administer(here, "tenant", "erase", child.name, "--yes", "--json")
    finally:
        await admin.execute("DROP FOREIGN DATA WRAPPER elsewhere CASCADE")
    assert outcome.exit_code == 0
    found = outcome.json["verification"]
    assert {"table": "tenancy.accounts", "column": "name", "rows": 1} in found["mentions"]
    assert (found["remaining"], found["not_read"]) == ([], ["public.remote"])
    assert "tenancy.accounts (name): 1 rows of others have one of its names\n" in outcome.stderr
    assert "not read: public.remote\n" in outcome.stderr
    assert await admin.fetchval("SELECT name FROM tenancy.accounts WHERE tenant_id = $1", hsbc.parent.tenant_id) == note


@pytest.mark.parametrize(
    "plant",
    [
        "CREATE TABLE public.report AS SELECT jsonb_build_object('was', $${name}$$::text) AS line",
        "CREATE TABLE public.report AS SELECT ARRAY[$${name}$$::text, 'x'] AS line",
        "CREATE TABLE public.report AS SELECT ROW(1, $${name}$$::text)::public.note AS line",
    ],
    ids=["json", "array", "row"],
)
async def test_names_that_a_format_escapes_are_told(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, plant: str
) -> None:
    """A name with quotes and backslashes is found inside JSON, arrays and rows, too."""
    name = 'The "Old" Bank \\ Co'
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[0].tenant_id
    await admin.execute("UPDATE tenancy.tenants SET name = $2 WHERE tenant_id = $1", child, name)
    await admin.execute("CREATE TYPE public.note AS (number integer, body text)")
    await admin.execute(plant.format(name=name))
    try:
        outcome = await administer(here, "tenant", "erase", str(child), "--yes", "--json")
    finally:
        await admin.execute("DROP TABLE public.report; DROP TYPE public.note")
    mention = {"table": "public.report", "column": "line", "rows": 1}
    assert mention in outcome.json["verification"]["mentions"]


async def test_a_moving_organisation_is_not_erased(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """While its rows are copied to another server, erasing them here would leave them there."""
    hsbc = await filled_organization(here, registry_here)
    name = f"mtdb_move_{hsbc.parent.tenant_id.hex}"
    await admin.execute(f"CREATE PUBLICATION {name} FOR TABLE tenancy.tenants")
    try:
        outcome = await administer(here, "tenant", "erase", hsbc.parent.name, "--yes")
    finally:
        await admin.execute(f"DROP PUBLICATION {name}")
    assert "is moving to another server" in outcome.complaint
