"""Fourth step: policies that let everything pass, and log what enforcing would hide or refuse."""

import asyncpg

from multi_tenant_db.protecting.existing_table import SHADOW_POLICY, ExistingTable
from multi_tenant_db.protecting.session import change, execute_all, literal
from multi_tenant_db.protecting.table_step import TableStep

LOGGING_POLICIES = {verb: f"{verb.lower()} is logged in shadow" for verb in ("SELECT", "INSERT", "UPDATE", "DELETE")}
"""Restrictive, so that the other policy does not make them superfluous."""

FUNCTIONS = "tenancy.reach_in_shadow(), tenancy.passes_in_shadow(text, regclass, text)"

CONDITION = """
    CASE
        WHEN nullif(current_setting('{setting}', true), '')::float8 > date_part('epoch', statement_timestamp()) - 10
        THEN true
        WHEN organization_id >= (SELECT (tenancy.reach_in_shadow())[1])
         AND organization_id <= (SELECT (tenancy.reach_in_shadow())[2])
         AND tenant_id >= (SELECT (tenancy.reach_in_shadow())[3])
         AND tenant_id <= (SELECT (tenancy.reach_in_shadow())[4])
        THEN true
        ELSE tenancy.passes_in_shadow('{setting}', {table}::regclass, '{verb}')
    END
"""
"""The setting has the time of the session's last line for this table and verb; calling a function takes longer."""

HOLDERS = """
    SELECT DISTINCT granted.grantee::regrole::text AS role
    FROM pg_class AS class
    CROSS JOIN LATERAL (
        SELECT class.relacl
        UNION ALL
        SELECT attribute.attacl
        FROM pg_attribute AS attribute
        WHERE attribute.attrelid = class.oid
    ) AS acl (items)
    CROSS JOIN LATERAL aclexplode(acl.items) AS granted
    WHERE class.oid = $1
      AND granted.grantee NOT IN (0, class.relowner)
    ORDER BY 1
"""
"""The roles with a privilege on the table, but for its owner."""

LOGGED = """
    SELECT DISTINCT bound.role_id::regrole::text AS role
    FROM pg_policy AS policy
    CROSS JOIN unnest(policy.polroles) AS bound (role_id)
    WHERE policy.polname = ANY ($1::name[])
      AND policy.polrelid = coalesce($2::oid, policy.polrelid)
"""


async def shadow(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Create the policies for the roles that use the table. Running it again takes up roles that were added since."""
    table.require(TableStep.VALIDATED, TableStep.SHADOWED)
    await change(connection, lambda: create_policies(connection, table))


async def undo(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Drop the policies, and disable row level security."""
    table.require(TableStep.SHADOWED)

    async def work() -> None:
        await drop_policies(connection, table)
        await connection.execute(f"ALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY")

    await change(connection, work)


async def create_policies(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Enable row level security with these policies, in a transaction of the owner.

    Everything passes for every role, also for those that have their privileges by another way and are not logged.
    """
    await drop_policies(connection, table)
    await execute_all(
        connection,
        f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY",
        f'CREATE POLICY "{SHADOW_POLICY}" ON {table.name} TO PUBLIC USING (true) WITH CHECK (true)',
    )
    roles = ", ".join(row["role"] for row in await connection.fetch(HOLDERS, table.table_id))
    if not roles:
        return
    await connection.execute(f"GRANT EXECUTE ON FUNCTION {FUNCTIONS} TO {roles}")
    name = await literal(connection, table.name)
    for verb, policy in LOGGING_POLICIES.items():
        condition = CONDITION.format(setting=f"mtdb_shadow.{verb}{table.table_id}", table=name, verb=verb)
        using = f" USING ({condition})" if verb != "INSERT" else ""
        check = f" WITH CHECK ({condition})" if verb in {"INSERT", "UPDATE"} else ""
        await connection.execute(
            f'CREATE POLICY "{policy}" ON {table.name} AS RESTRICTIVE FOR {verb} TO {roles}{using}{check}'
        )


async def drop_policies(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Drop these policies, and the right to the functions of roles that are logged for no other table."""
    logging = [*LOGGING_POLICIES.values()]
    roles = {row["role"] for row in await connection.fetch(LOGGED, logging, table.table_id)}
    for policy in (SHADOW_POLICY, *logging):
        await connection.execute(f'DROP POLICY IF EXISTS "{policy}" ON {table.name}')
    roles -= {row["role"] for row in await connection.fetch(LOGGED, logging, None)}
    if roles:
        await connection.execute(f"REVOKE EXECUTE ON FUNCTION {FUNCTIONS} FROM {', '.join(sorted(roles))}")
