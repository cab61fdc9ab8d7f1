"""A second table with tenants' rows, as an adopter's migration would add it."""

from types import ModuleType

import asyncpg

from multi_tenant_db.schema.tenant_table import protect_tenant_table

CREATE_ACCOUNTS = """
    CREATE TABLE tenancy.accounts (
        organization_id uuid NOT NULL,
        tenant_id       uuid NOT NULL,
        account_id      uuid NOT NULL DEFAULT tenancy.uuid_v7(),
        name            text NOT NULL,

        CONSTRAINT accounts_pkey
            PRIMARY KEY (organization_id, tenant_id, account_id),
        CONSTRAINT accounts_tenant_fkey
            FOREIGN KEY (organization_id, tenant_id)
            REFERENCES tenancy.tenants (organization_id, tenant_id)
            ON DELETE CASCADE
    )
"""


class CollectedOperations(ModuleType):
    """Stands in for Alembic's `op`, which only works inside a migration: collects what it is told to execute."""

    def __init__(self) -> None:
        super().__init__("op")
        self.statements: list[str] = []

    def execute(self, statement: str) -> None:
        """Remember the statement."""
        self.statements.append(statement)


async def create_accounts(as_admin: asyncpg.Connection, *, may_delete: bool = True) -> None:
    """Create the table as its owner, and protect it."""
    op = CollectedOperations()
    protect_tenant_table(op, "accounts", insert_columns=["name"], update_columns=["name"], may_delete=may_delete)
    await execute_as_owner(as_admin, CREATE_ACCOUNTS, *op.statements)


async def execute_as_owner(as_admin: asyncpg.Connection, *statements: str) -> None:
    """Run statements as migrations do."""
    async with as_admin.transaction():
        await as_admin.execute("SET LOCAL ROLE tenancy_owner")
        for statement in statements:
            await as_admin.execute(statement)
