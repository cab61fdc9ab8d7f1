"""An adopter's table with columns of many types, beside the example's accounts; and organisations with rows in all."""

import json
from hashlib import sha256

from examples.accounts.install import install
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

CREATE = """
    CREATE TABLE tenancy."Odd documents" (
        organization_id uuid   NOT NULL,
        tenant_id       uuid   NOT NULL,
        document_id     bigint GENERATED ALWAYS AS IDENTITY,
        {columns},
        PRIMARY KEY (organization_id, tenant_id, document_id),
        FOREIGN KEY (organization_id, tenant_id) REFERENCES tenancy.tenants ON DELETE CASCADE
    )
"""
COLUMNS = (
    "small smallint",
    "large bigint",
    "number numeric",
    "price numeric(12, 2)",
    "real_ real",
    "double_ double precision",
    "flag boolean",
    "body text",
    "code char(5)",
    "bits bit(4)",
    "bytes bytea",
    "loose json",
    "strict jsonb",
    '"a ""quoted"" column" text',
    "at timestamptz",
    "day date",
    "span interval",
    "tags text[]",
    "lasting tstzrange",
    "address inet",
    "doubled bigint GENERATED ALWAYS AS (large * 2) STORED",
)
INSERT = """
    INSERT INTO tenancy."Odd documents" (
        organization_id, tenant_id, small, large, number, price, real_, double_, flag, body, code, bits, bytes, loose,
        strict, "a ""quoted"" column", at, day, span, tags, lasting, address
    )
    VALUES
        ($1, $2, -3, 9007199254740993, 1234567890123456789012345678901234567890.000000000000000000001, 1.5, 0.1::real,
         0.1::float8 + 0.2::float8, true, E'line\\nand tab\\t"quote" \\\\back\\\\ \u0001\u2028 \U0001f3e6 \\\\.', 'ab',
         B'1010', '\\x00ff0a5c', '{"a": 1,\n  "a": 2}',
         '{"n": 12345678901234567890.10, "deep": [null, {"\\u00e9": ""}]}',
         'x', '2026-11-29 21:00:00.123456+01', '-infinity', '1 mon -2 days 03:04:05.000006', '{a,NULL,"b,c",""}',
         '[2026-01-01 00:00:00.000001+00,)', '10.1.2.3/8'),
        ($1, $2, NULL, NULL, 'NaN', NULL, 'Infinity', '-0', NULL, '', '', NULL, '', 'null', 'null',
         NULL, 'infinity', '2026-02-28', NULL, '[2:3]={x,y}', 'empty', '::1')
"""
"""JSON's null is not SQL's; numbers have more digits than a double; json keeps its spaces and duplicate keys."""


async def create_documents(database: TestDatabase, *, is_reordered: bool = False) -> None:
    """Create the tables; the columns may be in another order, as on a server with another history."""
    await install(database.admin_url)
    columns = reversed(COLUMNS) if is_reordered else COLUMNS
    admin = await database.connect_as_admin()
    async with admin.transaction():
        await admin.execute("SET LOCAL ROLE tenancy_owner")
        await admin.execute(CREATE.format(columns=", ".join(columns)))
        await admin.execute("""CALL tenancy.protect_tenant_table('tenancy."Odd documents"', ARRAY['body'])""")
        await admin.execute("""
            CREATE TABLE tenancy.settings_of_organizations (
                organization_id uuid PRIMARY KEY,
                preference text NOT NULL
            )
        """)
    await admin.close()


async def filled_organization(database: TestDatabase, registry: Registry, name: str = "HSBC") -> Organization:
    """Make an organisation with rows in every table, remembered answers of a parent and of an operator, and events."""
    organization = await registry.create_organization(name)
    parent = organization.parent
    service = await database.connect_as_api()
    answer = json.dumps({"tenant_id": str(organization.subsidiaries[0].tenant_id), "name": "answered"})
    async with presenting(service, parent.token):
        for party in organization.parties:
            await service.execute(
                "INSERT INTO tenancy.accounts (organization_id, tenant_id, name) VALUES ($1, $2, 'Current')",
                parent.tenant_id,
                party.tenant_id,
            )
        await service.execute("UPDATE tenancy.accounts SET balance = 5")
        await service.execute("SELECT tenancy.begin_request('a key', $1)", sha256(b"body").digest())
        await service.execute("SELECT tenancy.finish_request('a key', $1)", answer)
    async with presenting(service, await registry.issue_operator_token(), as_platform=True):
        key = f"of an operator, {parent.name}"
        await service.execute("SELECT tenancy.begin_request($1, $2)", key, sha256(b"body").digest())
        await service.execute("SELECT tenancy.finish_request($1, $2)", key, answer)
    await service.close()
    admin = await database.connect_as_admin()
    for party in organization.parties:
        await admin.execute(INSERT, parent.tenant_id, party.tenant_id)
    await admin.execute("INSERT INTO tenancy.settings_of_organizations VALUES ($1, 'quiet')", parent.tenant_id)
    await admin.close()
    return organization
