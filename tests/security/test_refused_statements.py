"""Statements that the grants of the database's roles refuse, before any policy."""

import asyncpg
import pytest

from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.test_database import TestDatabase

LOGIN_ROLES = ("tenancy_api", "tenancy_operator")
ROLES = (*LOGIN_ROLES, "tenancy_platform")

CHOSEN_BY_THE_DATABASE = {
    "tenant_id": "gen_random_uuid()",
    "organization_id": "gen_random_uuid()",
    "version": "7",
    "created_at": "now()",
    "updated_at": "now()",
}
FIXED_AT_INSERT = {"tenant_type": "'parent'", "parent_tenant_id": "gen_random_uuid()"}

PRIVATE = (
    "SELECT FROM tenancy_private.access_tokens",
    "INSERT INTO tenancy_private.access_tokens DEFAULT VALUES",
    "UPDATE tenancy_private.access_tokens SET label = 'stolen'",
    "DELETE FROM tenancy_private.access_tokens",
    "TRUNCATE tenancy_private.access_tokens",
    "COPY tenancy_private.access_tokens TO STDOUT",
    "SELECT tenancy_private.current_access_token()",
    "SELECT 'tenant'::tenancy_private.token_role",
)
SCHEMA = (
    "TRUNCATE tenancy.tenants",
    "ALTER TABLE tenancy.tenants DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE tenancy.tenants DISABLE TRIGGER ALL",
    "DROP POLICY a_tenant_sees_itself_and_its_subsidiaries ON tenancy.tenants",
    "CREATE POLICY all_rows ON tenancy.tenants USING (true)",
    "ALTER POLICY a_tenant_sees_itself_and_its_subsidiaries ON tenancy.tenants USING (true)",
    "DROP TABLE tenancy.tenants CASCADE",
    "ALTER FUNCTION tenancy.current_tenant_id() IMMUTABLE",
    "ALTER FUNCTION tenancy.current_tenant_id() RESET ALL",
    "DROP FUNCTION tenancy.current_tenant_id() CASCADE",
    "CREATE INDEX ON tenancy.tenants (name)",
    "CREATE RULE shadow AS ON INSERT TO tenancy.tenants DO INSTEAD NOTHING",
    "CREATE TABLE tenancy.mine ()",
    "CREATE TABLE tenancy_private.mine ()",
    "CREATE TABLE public.mine ()",
    "CREATE TABLE pg_catalog.mine ()",
    "CREATE VIEW public.mine AS SELECT 1",
    "CREATE SCHEMA mine",
    "CREATE TEMP TABLE tenants ()",
    "CREATE TEMP VIEW tenants AS SELECT 1",
    "CREATE TEMP SEQUENCE mine",
    "DO $$ BEGIN PERFORM 1; END $$",
    "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne)",
    "CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT",
    "CREATE EXTENSION pg_trgm",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION tenancy.stamp_update()",
    "CREATE TRIGGER mine BEFORE UPDATE ON tenancy.tenants EXECUTE FUNCTION tenancy.stamp_update()",
    "LOCK TABLE tenancy_private.access_tokens",
    "COPY tenancy.tenants TO PROGRAM 'cat'",
    "COPY tenancy.tenants FROM '/etc/passwd'",
)
POWER = (
    "SET ROLE tenancy_owner",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION tenancy_owner",
    "GRANT tenancy_owner TO CURRENT_USER",
    "GRANT tenancy_platform TO CURRENT_USER WITH INHERIT TRUE",
    "GRANT pg_read_all_data TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE CURRENT_USER CREATEDB",
    "ALTER ROLE CURRENT_USER REPLICATION",
    "CREATE ROLE mine",
    "ALTER DATABASE postgres SET search_path = public",
    "SELECT pg_reload_conf()",
    "SET log_parameter_max_length = -1",
    "SET track_activities = on",
    "SET session_replication_role = replica",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres' AND pid <> pg_backend_pid()",
)
ADMINISTRATION = (
    "SELECT tenancy.list_tokens()",
    "SELECT tenancy.list_tokens(true, 10)",
    "SELECT tenancy.purge_tokens(10)",
    "SELECT tenancy_private.forget_the_expired(10)",
    "SELECT tenancy_private.follow_access_token(sha256('x'))",
    "TABLE tenancy_private.moved_tokens",
    "TABLE tenancy_private.organizations_of_tenants",
    "SELECT tenancy.reach_in_shadow()",
    "SELECT tenancy.passes_in_shadow('x', 'pg_class', 'SELECT')",
    "SELECT tenancy.revoke_token(gen_random_uuid())",
    "SELECT tenancy.issue_tenant_token(sha256('x'), gen_random_uuid(), gen_random_uuid(), 'mine', '1 day')",
    "SELECT tenancy.issue_platform_operator_token(sha256('x'), 'mine', '1 day')",
)
OTHERS = {
    "tenancy_api": ("SET ROLE tenancy_operator", "ALTER ROLE tenancy_operator PASSWORD 'mine'", *ADMINISTRATION),
    "tenancy_platform": ("ALTER ROLE tenancy_operator PASSWORD 'mine'", "SELECT tenancy.sign_in('x')", *ADMINISTRATION),
    "tenancy_operator": (
        "SET ROLE tenancy_api",
        "ALTER ROLE tenancy_api PASSWORD 'mine'",
        "SELECT FROM tenancy.tenants",
        "INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', 'mine')",
        "UPDATE tenancy.tenants SET name = 'mine'",
        "DELETE FROM tenancy.tenants",
        "SELECT tenancy.current_tenant_id()",
    ),
}


async def refuse(database: TestDatabase, role: str, statements: tuple[str, ...]) -> None:
    """Run each statement as the role and require an error for lack of privileges."""
    as_login = database.connect_as_operator if role == "tenancy_operator" else database.connect_as_api
    connection = await as_login()
    accepted = []
    try:
        for statement in statements:
            transaction = connection.transaction()
            await transaction.start()
            try:
                if role not in LOGIN_ROLES:
                    await connection.execute(f"SET LOCAL ROLE {role}")
                await connection.execute(statement)
                accepted.append(statement)
            except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidGrantorError):
                pass
            finally:
                await transaction.rollback()
    finally:
        await connection.close()
    assert accepted == []


@pytest.mark.parametrize("role", ROLES)
async def test_the_private_schema_is_closed(database: TestDatabase, role: str) -> None:
    """No role reads, writes or even names anything in tenancy_private."""
    await refuse(database, role, PRIVATE)


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_changes_or_shadows_the_schema(database: TestDatabase, role: str) -> None:
    """No role alters the table, its policies or functions, or makes an object anywhere, temporary ones included."""
    await refuse(database, role, SCHEMA)


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_gains_power(database: TestDatabase, role: str) -> None:
    """No role becomes the owner or a superuser, gives itself an attribute or a membership, or reaches the server."""
    await refuse(database, role, POWER)


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_keeps_to_its_own_work(database: TestDatabase, role: str) -> None:
    """The service issues and lists no tokens; an operator reads no tenant without the platform role and its token."""
    await refuse(database, role, OTHERS[role])


@pytest.mark.parametrize("column", [*CHOSEN_BY_THE_DATABASE, *FIXED_AT_INSERT])
async def test_what_never_changes_cannot_be_updated(
    as_api: asyncpg.Connection, hsbc: Organization, platform_operator: Party, column: str
) -> None:
    """Ids, version, times, type and parent are not in the UPDATE grant, for any caller and any row."""
    value = (CHOSEN_BY_THE_DATABASE | FIXED_AT_INSERT)[column]
    for token, as_platform in ((hsbc.parent.token, False), (platform_operator.token, True)):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for table tenants"):
            async with presenting(as_api, token, as_platform=as_platform):
                await as_api.execute(f"UPDATE tenancy.tenants SET {column} = {value}")


@pytest.mark.parametrize("column", CHOSEN_BY_THE_DATABASE)
async def test_what_the_database_chooses_cannot_be_inserted(
    as_api: asyncpg.Connection, hsbc: Organization, platform_operator: Party, column: str
) -> None:
    """Ids, version and times are not in the INSERT grant, so no caller can probe whether an id is taken."""
    value = CHOSEN_BY_THE_DATABASE[column]
    for token, as_platform in ((hsbc.parent.token, False), (platform_operator.token, True)):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for table tenants"):
            async with presenting(as_api, token, as_platform=as_platform):
                await as_api.execute(
                    f"INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name, {column})"
                    f" VALUES ('subsidiary', $1, 'Smuggled', {value})",
                    hsbc.parent.tenant_id,
                )


async def test_row_security_off_fails_closed(
    as_api: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """With row_security = off a query is refused, never answered without the policies."""
    for token, as_platform in ((hsbc.parent.token, False), (platform_operator.token, True)):
        for statement in ("SELECT FROM tenancy.tenants", "DELETE FROM tenancy.tenants"):
            async with presenting(as_api, token, as_platform=as_platform):
                await as_api.execute("SET LOCAL row_security = off")
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await as_api.execute(statement)


async def test_the_owner_sees_no_tenant(as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """FORCE binds the table's owner: it sees, changes and adds no row, even with a parent's token."""
    for token in (None, hsbc.parent.token):
        async with presenting(as_admin, token):
            await as_admin.execute("SET LOCAL ROLE tenancy_owner")
            assert await as_admin.fetch("SELECT FROM tenancy.tenants") == []
            assert await as_admin.execute("UPDATE tenancy.tenants SET name = 'mine'") == "UPDATE 0"
            assert await as_admin.execute("DELETE FROM tenancy.tenants") == "DELETE 0"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await as_admin.execute("INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', 'mine')")
