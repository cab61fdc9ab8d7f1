"""Whatever the service's roles may write or call refuses a read-only token: found in the catalogue."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import URL

from multi_tenant_db.database.failures import READ_ONLY_TOKEN
from tests.support.accounts import create_accounts
from tests.support.attempt import attempt, error_of
from tests.support.context import presenting
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

WRITABLE = """
    WITH acl (relation, name, items) AS (
        SELECT class.oid, NULL, class.relacl
        FROM pg_class AS class
        UNION ALL
        SELECT attribute.attrelid, quote_ident(attribute.attname), attribute.attacl
        FROM pg_attribute AS attribute
    )
    SELECT class.oid::regclass::text AS name, granted.privilege_type AS verb,
           array_agg(DISTINCT acl.name) FILTER (WHERE acl.name IS NOT NULL) AS columns
    FROM acl
    JOIN pg_class AS class ON class.oid = acl.relation
    CROSS JOIN LATERAL aclexplode(acl.items) AS granted
    WHERE class.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
      AND granted.grantee IN ('tenancy_api'::regrole, 'tenancy_platform'::regrole, 0)
      AND granted.privilege_type <> 'SELECT'
    GROUP BY class.oid, granted.privilege_type
"""
VOLATILE = """
    SELECT function.oid::regprocedure::text AS name, pronargs AS arguments
    FROM pg_proc AS function
    WHERE provolatile = 'v'
      AND pronamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
      AND (
          has_function_privilege('tenancy_api', function.oid, 'EXECUTE')
          OR has_function_privilege('tenancy_platform', function.oid, 'EXECUTE')
      )
"""
WRITE_NOTHING = {"tenancy.sign_in(text,text)", "tenancy.uuid_v7()"}
"""They present a token for this transaction, and make a number."""

KEY = {"organization_id", "tenant_id"}
WRITES = {
    "INSERT": "INSERT INTO {name} ({columns}) SELECT {values}",
    "UPDATE": "UPDATE {name} SET {assignments}",
    "DELETE": "DELETE FROM {name}",
}


@pytest.fixture(scope="module")
async def database(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database in which an adopter's table is protected, too."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        await create_accounts(admin)
        await admin.close()
        yield database


async def test_every_granted_write_is_refused(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """For each privilege but SELECT on any relation there is a statement here, and the database refuses it."""
    head = hsbc.parent.tenant_id
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute(
            "INSERT INTO tenancy.accounts (organization_id, tenant_id, name) VALUES ($1, $1, 'mine')", head
        )
    tokens = {
        False: await registry.issue_token(head, head, may_write=False),
        True: await registry.issue_operator_token(may_write=False),
    }
    granted = await as_admin.fetch(WRITABLE)

    assert {("tenancy.tenants", verb) for verb in WRITES} <= {(row["name"], row["verb"]) for row in granted}
    for row in granted:
        columns = row["columns"] or []
        if not columns and row["verb"] != "DELETE":
            pytest.fail(f"{row['verb']} on all columns of {row['name']}")
        statement = WRITES[row["verb"]].format(
            name=row["name"],
            columns=", ".join(columns),
            values=", ".join(f"'{head}'" if column in KEY else "NULL" for column in columns),
            assignments=", ".join(f"{column} = {column}" for column in columns),
        )
        for as_platform, token in tokens.items():
            error = await error_of(attempt(as_api, token, statement, as_platform=as_platform))
            assert error.sqlstate == READ_ONLY_TOKEN, statement


async def test_every_function_that_may_write_is_refused(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """Each VOLATILE function that the service's roles may execute is refused, but for two that write nothing."""
    head = hsbc.parent.tenant_id
    token = await registry.issue_token(head, head, may_write=False)
    functions = await as_admin.fetch(VOLATILE)

    assert {row["name"] for row in functions} >= WRITE_NOTHING | {"tenancy.begin_request(text,bytea)"}
    for row in functions:
        if row["name"] not in WRITE_NOTHING:
            call = f"{row['name'].partition('(')[0]}({', '.join(['NULL'] * row['arguments'])})"
            assert (await error_of(attempt(as_api, token, f"SELECT {call}"))).sqlstate == READ_ONLY_TOKEN, call


async def test_every_policy_that_writes_asks_for_the_right(as_admin: asyncpg.Connection) -> None:
    """Its USING, or an INSERT's WITH CHECK, takes tenant and organisation only from functions that refuse the token."""
    policies = await as_admin.fetch("""
        SELECT policyname AS name, coalesce(qual, with_check) AS condition
        FROM pg_policies
        WHERE cmd <> 'SELECT' AND roles && '{tenancy_api,tenancy_platform}'
    """)
    plain = ("current_tenant_id", "current_organization_id", "first_organization_id_in_reach", "is_platform_operator")

    assert len(policies) == 12
    for policy in policies:
        assert not [name for name in plain if f"{name}()" in policy["condition"]], policy["name"]
        assert "writable_organization_id()" in policy["condition"], policy["name"]
