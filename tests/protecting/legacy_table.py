"""A table of an application that knows tenants but no tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
from sqlalchemy import URL

from tests.support.accounts import execute_as_owner
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import Outcome, mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

TABLE = "tenancy.payments"
PASSWORD = "password of the application"
CREATE = (
    """
    CREATE TABLE tenancy.payments (
        payment_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT payments_pkey PRIMARY KEY,
        tenant_id  uuid NOT NULL,
        reference  text NOT NULL,
        amount     bigint NOT NULL,
        changes    integer NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX payments_reference ON tenancy.payments (lower(reference))",
    "ALTER TABLE tenancy.payments ALTER COLUMN reference SET STATISTICS 500",
    "ALTER INDEX tenancy.payments_reference ALTER COLUMN 1 SET STATISTICS 50",
    "GRANT USAGE ON TYPE tenancy.payments TO PUBLIC",
)
GRANTS = (
    "GRANT USAGE ON SCHEMA tenancy TO {role}",
    "GRANT SELECT, INSERT, DELETE ON tenancy.payments TO {role}",
    "GRANT UPDATE (tenant_id, amount, reference, changes) ON tenancy.payments TO {role}",
)
STEPS = (("prepare",), ("backfill",), ("validate",), ("shadow",), ("enforce", "--insert", "reference"))
"""The commands, in order."""


@dataclass(frozen=True)
class LegacyTable:
    """The table, its database, and the role of its application."""

    database: TestDatabase
    admin: asyncpg.Connection
    role: str
    banks: tuple[Organization, Organization]

    async def run(self, command: str, *options: str, table: str = TABLE) -> Outcome:
        """Run `mtdb table` with an administrator's URL."""
        url = self.database.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
        env = settings_for(self.database, MTDB_DATABASE_URL=url)
        return await mtdb("table", command, table, *options, env=env)

    async def do(self, *commands: str) -> None:
        """Run the steps up to and with these, which have to succeed."""
        for command, *options in STEPS:
            if command in commands:
                outcome = await self.run(command, *options)
                assert outcome.exit_code == 0, outcome.stderr

    async def connect(self) -> asyncpg.Connection:
        """Connect as the application does."""
        url = self.database.admin_url.set(drivername="postgresql", username=self.role, password=PASSWORD)
        return await asyncpg.connect(url.render_as_string(hide_password=False), statement_cache_size=0)

    async def wrong_rows(self) -> int:
        """Count rows whose organisation is not their tenant's."""
        count: int = await self.admin.fetchval("""
            SELECT count(*)
            FROM tenancy.payments AS payment
            LEFT JOIN tenancy.tenants AS tenant USING (tenant_id)
            WHERE payment.organization_id IS DISTINCT FROM tenant.organization_id
        """)
        return count


@asynccontextmanager
async def legacy_table(server_url: URL, rows_of_each: int = 3) -> AsyncIterator[LegacyTable]:
    """Make a database with two organisations of three tenants, and a table with rows of each."""
    role = f"legacy_{uuid4().hex[:8]}"
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        operator = await database.connect_as_operator()
        registry = Registry(operator)
        banks = await registry.create_organization("Mine"), await registry.create_organization("Theirs")
        await operator.close()
        await execute_as_owner(admin, *CREATE)
        await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        await admin.execute(f'GRANT CONNECT ON DATABASE "{database.admin_url.database}" TO {role}')
        await execute_as_owner(admin, *(grant.format(role=role) for grant in GRANTS))
        await admin.execute(
            """
            INSERT INTO tenancy.payments (tenant_id, reference, amount)
            SELECT tenant.tenant_id, 'payment ' || number, number
            FROM generate_series(1, $1) AS payment (number)
            CROSS JOIN tenancy.tenants AS tenant
            """,
            rows_of_each,
        )
        await admin.execute("ANALYZE tenancy.payments")
        try:
            yield LegacyTable(database, admin, role, banks)
        finally:
            await admin.execute(f"DROP OWNED BY {role}")
            await admin.execute(f"DROP ROLE {role}")
            await admin.close()
