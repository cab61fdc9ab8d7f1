"""Lists of tokens in a table of many: each page is read along one index."""

import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

TOKENS = 30_000
PRETEND = """
    ALTER TABLE tenancy_private.access_tokens SET (autovacuum_enabled = false);
    ANALYZE tenancy_private.access_tokens;
    UPDATE pg_class SET reltuples = 1000000 WHERE oid = 'tenancy_private.access_tokens'::regclass
"""
"""The planner takes the table for one of a million tokens."""

FILL = """
    INSERT INTO tenancy_private.access_tokens
        (token_hash, role, organization_id, tenant_id, label, created_at, expires_at)
    SELECT sha256(n::text::bytea), 'tenant', tenant.organization_id, tenant.tenant_id, 'many', now(),
           now() + interval '1 day'
    FROM generate_series(1, $1) AS n
    JOIN tenancy.tenants AS tenant ON tenant.tenant_id = ($2::uuid[])[1 + n % cardinality($2::uuid[])]
"""
EXPLAIN = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_nested_statements = on",
)
INDEXES = {
    "all": ("(NULL, NULL, {dead}, 100, {before})", "access_tokens_token_id_unique"),
    "organisation": ("('{head}', NULL, {dead}, 100, {before})", "access_tokens_organization"),
    "tenant": ("('{head}', '{child}', {dead}, 100, {before})", "access_tokens_tenant_token"),
}


@pytest.fixture(scope="module")
async def own(server_url: URL) -> AsyncIterator[tuple[TestDatabase, Organization]]:
    """Give a database with many tokens of two organisations."""
    async with fresh_database(server_url) as database:
        operator, admin = await database.connect_as_operator(), await database.connect_as_admin()
        registry = Registry(operator)
        banks = [await registry.create_organization(name) for name in ("Large", "Small")]
        ids = [party.tenant_id for bank in banks for party in bank.parties]
        await admin.execute(FILL, TOKENS, ids)
        await admin.execute(PRETEND)
        await operator.close()
        await admin.close()
        yield database, banks[1]


@pytest.mark.parametrize("kind", INDEXES)
@pytest.mark.parametrize("dead", ["true", "false"])
@pytest.mark.parametrize("before", ["NULL", "tenancy.uuid_v7()"])
async def test_a_page_is_read_along_an_index(
    own: tuple[TestDatabase, Organization], kind: str, dead: str, before: str
) -> None:
    """The newest tokens, and those before an id, come from the end of an index: no sort, no scan of the table."""
    database, bank = own
    arguments, index = INDEXES[kind]
    ids = {"head": bank.parent.tenant_id, "child": bank.subsidiaries[0].tenant_id}
    plans: list[str] = []
    admin = await database.connect_as_admin()
    for statement in EXPLAIN:
        await admin.execute(statement)
    admin.add_log_listener(lambda _, message: plans.append(str(message.message)))
    await admin.execute("SET client_min_messages = log")
    rows = await admin.fetch(f"SELECT * FROM tenancy.list_tokens{arguments.format(dead=dead, before=before, **ids)}")
    await admin.close()
    plan = "\n".join(plans)

    assert len(rows) == 100
    assert f"Index Scan Backward using {index}" in plan
    assert not re.search(r"Sort|Seq Scan|Bitmap", plan)


@pytest.mark.parametrize("whole", [True, False])
async def test_revoking_many_goes_by_index(own: tuple[TestDatabase, Organization], *, whole: bool) -> None:
    """Revoking the tokens of a tenant, or of an organisation, reads no other organisation's."""
    database, bank = own
    head, child = bank.parent.tenant_id, bank.subsidiaries[1].tenant_id
    plans: list[str] = []
    admin = await database.connect_as_admin()
    for statement in EXPLAIN:
        await admin.execute(statement)
    admin.add_log_listener(lambda _, message: plans.append(str(message.message)))
    await admin.execute("SET client_min_messages = log")
    transaction = admin.transaction()
    await transaction.start()
    revoked = await admin.fetchval("SELECT tenancy.revoke_tokens($1, $2)", head, None if whole else child)
    await transaction.rollback()
    await admin.close()

    assert revoked >= TOKENS / 6 * (3 if whole else 1)
    assert not [plan for plan in plans if "Seq Scan on access_tokens" in plan]
