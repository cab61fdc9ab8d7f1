"""Hijacking: shadowing names that the owner's functions use, or gaining a right."""

from contextlib import suppress

import asyncpg
import pytest

from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly
from tests.support.context import presenting, visible_ids
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

GROUP = "hijacking"
ROLES = ("tenancy_api", "tenancy_platform")
NO_RIGHT = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidGrantorError)

OBJECTS = {
    "a temporary table": "CREATE TEMP TABLE access_tokens (token_hash bytea)",
    "a temporary view": "CREATE TEMP VIEW tenants AS SELECT 1",
    "a temporary sequence": "CREATE TEMP SEQUENCE mine",
    "a temporary table from a query": "SELECT 1 INTO TEMP mine",
    "a schema": "CREATE SCHEMA mine",
    "a table": "CREATE TABLE public.mine ()",
    "a table in the catalogue": "CREATE TABLE pg_catalog.mine ()",
    "a table in our schema": "CREATE TABLE tenancy.mine ()",
    "a view": "CREATE VIEW public.mine AS SELECT * FROM tenancy.tenants",
    "a materialized view": "CREATE MATERIALIZED VIEW public.mine AS SELECT * FROM tenancy.tenants",
    "a type": "CREATE TYPE public.mine AS (x uuid)",
    "an enum": "CREATE TYPE public.mine AS ENUM ('x')",
    "a range": "CREATE TYPE public.mine AS RANGE (SUBTYPE = uuid)",
    "a domain": "CREATE DOMAIN public.mine AS uuid CHECK (pg_notify('loot', VALUE::text) IS NOT NULL)",
    "a function in SQL": "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a function in plpgsql": "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "a function in C": "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE c AS 'libc.so.6', 'system'",
    "a procedure": "CREATE PROCEDURE public.mine() LANGUAGE sql AS 'SELECT 1'",
    "an aggregate": "CREATE AGGREGATE public.mine (text) (SFUNC = textcat, STYPE = text)",
    "an operator": "CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne)",
    "an operator class": "CREATE OPERATOR CLASS public.mine DEFAULT FOR TYPE uuid USING btree AS STORAGE uuid",
    "a cast": "CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT",
    "a collation": "CREATE COLLATION public.mine (LOCALE = 'C')",
    "a conversion": "CREATE DEFAULT CONVERSION public.mine FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
    "statistics": "CREATE STATISTICS public.mine ON name, version FROM tenancy.tenants",
    "a rule": "CREATE RULE mine AS ON SELECT TO tenancy.tenants DO INSTEAD SELECT 1",
    "a trigger": "CREATE TRIGGER mine BEFORE UPDATE ON tenancy.tenants EXECUTE FUNCTION tenancy.stamp_update()",
    "an event trigger": "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION tenancy.stamp_update()",
    "a policy": "CREATE POLICY mine ON tenancy.tenants USING (true)",
    "an index": "CREATE INDEX mine ON tenancy.tenants ((pg_notify('loot', name)))",
    "an extension": "CREATE EXTENSION dblink",
    "a language": "CREATE LANGUAGE plperlu",
    "a publication": "CREATE PUBLICATION mine FOR TABLE tenancy.tenants",
    "a subscription": "CREATE SUBSCRIPTION mine CONNECTION 'host=127.0.0.1' PUBLICATION mine",
    "a foreign data wrapper": "CREATE FOREIGN DATA WRAPPER mine",
    "a tablespace": "CREATE TABLESPACE mine LOCATION '/'",
    "a database": "CREATE DATABASE mine",
    "an anonymous block": "DO $$ BEGIN PERFORM 1; END $$",
}
RIGHTS = {
    "become the owner": "SET ROLE tenancy_owner",
    "become the owner by set_config": "SELECT set_config('role', 'tenancy_owner', false)",
    "become the operator": "SET ROLE tenancy_operator",
    "become the superuser": "SET SESSION AUTHORIZATION postgres",
    "be a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "bypass policies": "ALTER ROLE CURRENT_USER BYPASSRLS",
    "create roles": "ALTER ROLE CURRENT_USER CREATEROLE",
    "replicate": "ALTER ROLE CURRENT_USER REPLICATION",
    "grant the owner to itself": "GRANT tenancy_owner TO CURRENT_USER",
    "inherit the platform's role": "GRANT tenancy_platform TO CURRENT_USER WITH INHERIT TRUE",
    "read all data": "GRANT pg_read_all_data TO CURRENT_USER",
    "set the operator's password": "ALTER ROLE tenancy_operator PASSWORD 'mine'",
    "change the server": "ALTER SYSTEM SET row_security = off",
    "change the database": "ALTER DATABASE postgres SET search_path = public",
    "disable triggers": "SET session_replication_role = replica",
    "disable policies": "ALTER TABLE tenancy.tenants DISABLE ROW LEVEL SECURITY",
    "change a function": "ALTER FUNCTION tenancy.current_tenant_id() IMMUTABLE",
    "call a private function": "SELECT tenancy_private.caller_tenant_id()",
    "call the trigger that fills in": "SELECT tenancy_private.fill_in_organization()",
    "call a procedure of the owner": "CALL tenancy.unprotect_tenant_table('tenancy.tenants')",
    "call a private procedure": (
        "CALL tenancy_private.create_reach_policy('tenancy.tenants', 'mine', 'DELETE', 'tenancy_api')"
    ),
    "fill in by a trigger of one's own": (
        "CREATE TRIGGER mine BEFORE INSERT ON tenancy.tenants"
        " FOR EACH ROW EXECUTE FUNCTION tenancy_private.fill_in_organization()"
    ),
    "describe the table": "COMMENT ON TABLE tenancy.tenants IS 'mine'",
    "describe the role": "COMMENT ON ROLE tenancy_owner IS 'mine'",
    "run a program": "COPY tenancy.tenants TO PROGRAM 'cat'",
    "write a file": "COPY tenancy.tenants TO '/loot'",
    "read a file": "COPY tenancy.tenants FROM '/etc/passwd'",
    "read a file by function": "SELECT pg_read_file('/etc/passwd')",
    "list a directory": "SELECT pg_ls_dir('.')",
    "import a file": "SELECT lo_import('/etc/passwd')",
    "export a large object": "SELECT lo_export(1, '/loot')",
    "load a library": "LOAD 'auto_explain'",
    "reload the server": "SELECT pg_reload_conf()",
    "reset the statistics": "SELECT pg_stat_reset()",
    "empty the table": "TRUNCATE tenancy.tenants",
    "cluster the table": "CLUSTER tenancy.tenants USING tenants_pkey",
}


@refused(GROUP)
@pytest.mark.parametrize("what", OBJECTS)
async def test_creating(as_api: asyncpg.Connection, what: str) -> None:
    """To create something that shadows a name, leaks its arguments, or runs as another role."""
    for role in ROLES:
        await as_api.execute(f"SET ROLE {role}")
        with pytest.raises(NO_RIGHT):
            await as_api.execute(OBJECTS[what])


@refused(GROUP)
@pytest.mark.parametrize("what", RIGHTS)
async def test_trying_to(as_api: asyncpg.Connection, what: str) -> None:
    """To gain a right, a role, or the server behind the database."""
    for role in ROLES:
        await as_api.execute(f"SET ROLE {role}")
        with pytest.raises(NO_RIGHT):
            await as_api.execute(RIGHTS[what])


@refused(GROUP)
@pytest.mark.parametrize("table", ["tenancy_private.access_tokens", "tenancy.tenant_events", "public.alembic_version"])
async def test_locking(as_api: asyncpg.Connection, table: str) -> None:
    """To stop every sign-in, every change or every start by a lock."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(as_api, None, f"LOCK TABLE {table} IN SHARE MODE")


@refused(GROUP)
@pytest.mark.parametrize(
    "statement",
    [
        "GRANT ALL ON tenancy.tenants TO PUBLIC",
        "GRANT SELECT ON tenancy.tenants TO tenancy_operator WITH GRANT OPTION",
        "REVOKE ALL ON tenancy.tenants FROM tenancy_platform",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
        "SECURITY LABEL ON ROLE tenancy_api IS 'mine'",
    ],
)
async def test_granting_rights_of_other_roles(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, statement: str
) -> None:
    """To grant the role's own rights, or to revoke others'."""
    rights = "SELECT relname, relacl::text FROM pg_class WHERE relname LIKE 'tenant%' ORDER BY oid"
    before = await as_admin.fetch(rights)
    with suppress(asyncpg.PostgresError):
        await as_api.execute(statement)  # GRANT and REVOKE without effect are a mere warning
    assert await as_admin.fetch(rights) == before


@sees_nothing(GROUP)
async def test_a_chosen_search_path(as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization) -> None:
    """To have the owner's functions resolve their names in schemas of the attacker's choice."""
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute("SET LOCAL search_path = pg_temp, public, tenancy, pg_catalog")
        assert await visible_ids(as_api) == [party.tenant_id for party in hsbc.parties]
    assert barclays.parties


@sees_nothing(GROUP)
@pytest.mark.parametrize(
    "expression",
    [
        "query_to_xml('SELECT * FROM tenancy.tenants', true, true, '')",
        "table_to_xml('tenancy.tenants', true, true, '')",
        "schema_to_xml('tenancy', true, true, '')",
        "database_to_xml(true, true, '')",
        "cursor_to_xml('c', 1000, true, true, '')",
        "ts_stat('SELECT to_tsvector(''simple'', name) FROM tenancy.tenants')",
        "ts_rewrite('x'::tsquery, 'SELECT ''x''::tsquery, plainto_tsquery(''simple'', name) FROM tenancy.tenants')",
    ],
    ids=lambda expression: expression.split("(")[0],
)
async def test_queries_inside_functions(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, expression: str
) -> None:
    """To have a built-in function run a query past the policies."""
    cursor = "DECLARE c CURSOR FOR SELECT * FROM tenancy.tenants"
    for as_platform in (False, True):
        loot = await attempt_quietly(
            as_api, hsbc.parent.token, cursor, f"SELECT {expression} AS loot", as_platform=as_platform
        )
        assert barclays.parent.name.split()[1] not in str(loot)
    own = await attempt_quietly(as_api, hsbc.parent.token, cursor, f"SELECT {expression} AS loot")
    assert "hsbc" in str(own).lower()


@refused(GROUP)
@pytest.mark.parametrize("role", ROLES)
async def test_dropping_the_own_rights(database: TestDatabase, role: str) -> None:
    """To remove the policies that name the role, and so what they hide."""
    async with fresh_database(database.admin_url) as fresh:
        attacker = await fresh.connect_as_api()
        await attacker.execute(f"SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attacker.execute("DROP OWNED BY CURRENT_USER")
        await attacker.close()


@residual(
    GROUP,
    "where no superuser installed the roles, DROP OWNED BY CURRENT_USER removes the policies that name the role: it "
    "sees nothing, and the service stands still until they are made again",
)
async def test_dropping_the_own_rights_on_a_managed_server(database: TestDatabase) -> None:
    """To do the same where create_roles.sql could grant nothing on the catalogue."""
    async with fresh_database(database.admin_url) as fresh:
        operator, attacker = await fresh.connect_as_operator(), await fresh.connect_as_api()
        admin = await fresh.connect_as_admin()
        await admin.execute(f"REVOKE SELECT (starelid, staattnum) ON pg_statistic FROM {', '.join(ROLES)}")
        await admin.close()
        bank = await Registry(operator).create_organization("Bank")
        for role in ROLES:
            await attacker.execute(f"SET ROLE {role}")
            await attacker.execute("DROP OWNED BY CURRENT_USER")
            assert await attempt(attacker, bank.parent.token, "SELECT FROM tenancy.tenants") == []
        await operator.close()
        await attacker.close()
