"""First step: the column, and the trigger that fills it in for new and changed rows."""

import asyncpg

from multi_tenant_db.lint.expected import SERVICE_ROLES
from multi_tenant_db.protecting import filling
from multi_tenant_db.protecting.existing_table import ExistingTable
from multi_tenant_db.protecting.former_state import FormerState
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.protecting.session import change, execute_all, literal
from multi_tenant_db.protecting.table_step import TableStep

FACTS = """
    SELECT class.relkind = 'r'
               AND class.relpersistence = 'p'
               AND NOT class.relhassubclass
               AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = class.oid) AS is_ordinary,
           class.relowner = 'tenancy_owner'::regrole AS is_ours,
           class.relrowsecurity OR EXISTS (SELECT FROM pg_policy WHERE polrelid = class.oid) AS has_policies,
           EXISTS (
               SELECT
               FROM pg_attribute AS tenant
               WHERE tenant.attrelid = class.oid
                 AND tenant.attname = 'tenant_id'
                 AND tenant.atttypid = 'uuid'::regtype
                 AND tenant.attnotnull
           ) AS names_tenants,
           EXISTS (
               SELECT
               FROM pg_attribute AS organization
               WHERE organization.attrelid = class.oid
                 AND organization.attname = 'organization_id'
                 AND NOT organization.attisdropped
           ) AS has_organization,
           has_schema_privilege('tenancy_api', class.relnamespace, 'USAGE') AS is_addressable,
           EXISTS (
               SELECT
               FROM unnest($2::name[]) AS role (name)
               WHERE has_table_privilege(
                         role.name, class.oid,
                         'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, MAINTAIN'
                     )
                  OR has_any_column_privilege(role.name, class.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
           ) AS is_granted,
           has_type_privilege('public', class.reltype, 'USAGE') AS type_is_public,
           class.reltype::regtype::text AS type
    FROM pg_class AS class
    WHERE class.oid = $1
"""


async def prepare(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Add the column, nullable, and have new and changed rows fill it in. Raises ProtectionError."""
    table.require(TableStep.UNTOUCHED)
    facts = await connection.fetchrow(FACTS, table.table_id, SERVICE_ROLES)
    _check(table.name, facts)
    await filling.start(connection)
    await change(connection, lambda: _change(connection, table, facts))


def _check(name: str, facts: asyncpg.Record) -> None:
    roles = ", ".join(("PUBLIC", *SERVICE_ROLES))
    for is_so, remedy in (
        (facts["is_ordinary"], "is not an ordinary table: partitions and unlogged tables are not supported"),
        (
            facts["is_ours"],
            "has another owner: run ALTER TABLE ... OWNER TO tenancy_owner, and GRANT its application what it needs",
        ),
        (not facts["has_policies"], "has row level security already: this is for tables without"),
        (facts["names_tenants"], "has no column tenant_id uuid NOT NULL"),
        (not facts["has_organization"], "has a column organization_id already: rename or drop it"),
        (
            facts["is_addressable"],
            "is in a schema that the service may not use: run ALTER TABLE ... SET SCHEMA tenancy",
        ),
        (not facts["is_granted"], f"is open to the service: run REVOKE ALL ON {name} FROM {roles}"),
    ):
        if not is_so:
            raise ProtectionError(f"{name} {remedy}")


async def _change(connection: asyncpg.Connection, table: ExistingTable, facts: asyncpg.Record) -> None:
    comment = await literal(connection, FormerState(facts["type_is_public"]).written())
    await execute_all(
        connection,
        f"REVOKE USAGE ON TYPE {facts['type']} FROM PUBLIC",
        f"ALTER TABLE {table.name} ADD COLUMN organization_id uuid",
        f"COMMENT ON COLUMN {table.name}.organization_id IS {comment}",
    )
    await create_trigger(connection, table)


async def create_trigger(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Have the table fill in the organisation of rows, from the copy of the tenants' keys."""
    await connection.execute(
        f"CREATE TRIGGER {table.new_name('look_up_organization')} BEFORE INSERT OR UPDATE ON {table.name}"
        f" FOR EACH ROW EXECUTE FUNCTION {filling.LOOK_UP}()"
    )


async def drop_trigger(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Have the table take the organisation that a statement names."""
    await connection.execute(f"DROP TRIGGER {table.new_name('look_up_organization')} ON {table.name}")


async def undo(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Drop the column and the trigger."""
    table.require(TableStep.PREPARED)
    facts = await connection.fetchrow(FACTS, table.table_id, SERVICE_ROLES)

    async def work() -> None:
        await drop_trigger(connection, table)
        await connection.execute(f"ALTER TABLE {table.name} DROP COLUMN organization_id")
        if table.recorded.type_was_public:
            await connection.execute(f"GRANT USAGE ON TYPE {facts['type']} TO PUBLIC")

    await change(connection, work)
    await filling.finish(connection)
