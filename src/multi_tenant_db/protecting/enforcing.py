"""Last step: the policies, grants and audit trail of protect_tenant_table."""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from multi_tenant_db.protecting import filling, preparing, shadowing
from multi_tenant_db.protecting.existing_table import ExistingTable
from multi_tenant_db.protecting.former_state import FormerState
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.protecting.session import change, execute_all, literal
from multi_tenant_db.protecting.table_step import TableStep

GRANTS = """
    SELECT granted.privilege_type AS privilege, acl.attname AS attribute, granted.grantee::regrole::text AS role,
           granted.is_grantable
    FROM pg_class AS class
    CROSS JOIN LATERAL (
        SELECT NULL::text, class.relacl
        UNION ALL
        SELECT attribute.attname::text, attribute.attacl
        FROM pg_attribute AS attribute
        WHERE attribute.attrelid = class.oid
    ) AS acl (attname, items)
    CROSS JOIN LATERAL aclexplode(acl.items) AS granted
    WHERE class.oid = $1
      AND granted.grantee NOT IN (0, class.relowner)
    ORDER BY 3, 2 NULLS FIRST, 1
"""

STATISTICS = """
    SELECT attribute.attname::text AS attribute, attribute.attstattarget AS target
    FROM pg_attribute AS attribute
    WHERE attribute.attrelid = $1
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
    ORDER BY attribute.attnum
"""
INDEX_STATISTICS = """
    SELECT attribute.attrelid::regclass::text AS index, attribute.attnum AS number, attribute.attstattarget AS target
    FROM pg_index AS index
    JOIN pg_attribute AS attribute ON attribute.attrelid = index.indexrelid
    WHERE index.indrelid = $1
      AND attribute.attnum <= index.indnkeyatts
      AND index.indkey[attribute.attnum - 1] = 0
    ORDER BY 1, 2
"""
OBSTACLES = """
    WITH written AS (
        SELECT attribute.attnum, attribute.attname
        FROM pg_attribute AS attribute
        WHERE attribute.attrelid = $1
          AND attribute.attname = ANY ($2::name[])
    ), organization AS (
        SELECT attribute.attnum
        FROM pg_attribute AS attribute
        WHERE attribute.attrelid = $1
          AND attribute.attname = 'organization_id'
          AND NOT attribute.attisdropped
    )
    SELECT format(
               'a caller that chooses %s learns from the unique index %s whether a hidden row has it: '
               'leave the column out, or begin the index with organization_id',
               written.attname,
               index.indexrelid::regclass
           )
    FROM pg_index AS index
    CROSS JOIN written
    WHERE index.indrelid = $1
      AND (index.indisunique OR index.indisexclusion)
      AND (SELECT organization.attnum FROM organization) <> ALL (index.indkey)
      AND (
          written.attnum = ANY (index.indkey)
          OR EXISTS (
              SELECT
              FROM pg_depend AS used
              WHERE used.classid = 'pg_class'::regclass
                AND used.objid = index.indexrelid
                AND used.refobjid = $1
                AND used.refobjsubid = written.attnum
          )
      )
    UNION ALL
    SELECT format(
               'a caller that chooses %s learns from the foreign key %s whether a hidden row of %s has it: '
               'leave the column out, or begin the key with organization_id',
               written.attname,
               reference.conname,
               reference.confrelid::regclass
           )
    FROM pg_constraint AS reference
    JOIN written ON written.attnum = ANY (reference.conkey)
    WHERE reference.conrelid = $1
      AND reference.contype = 'f'
      AND (SELECT organization.attnum FROM organization) <> ALL (reference.conkey)
      AND EXISTS (
          SELECT
          FROM pg_attribute AS attribute
          WHERE attribute.attrelid = reference.confrelid
            AND attribute.attname IN ('tenant_id', 'organization_id')
            AND NOT attribute.attisdropped
      )
    UNION ALL
    SELECT format('the planner keeps statistics of it: run DROP STATISTICS %I.%I', namespace.nspname, object.stxname)
    FROM pg_statistic_ext AS object
    JOIN pg_namespace AS namespace ON namespace.oid = object.stxnamespace
    WHERE object.stxrelid = $1
    LIMIT 1
"""
"""What `mtdb check` would find, and what would tell callers of hidden rows, since constraints ignore policies."""

PRIVILEGES = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}

FORGET_SAMPLES = """
    DELETE FROM pg_statistic
    WHERE starelid = $1
       OR starelid IN (SELECT index.indexrelid FROM pg_index AS index WHERE index.indrelid = $1)
"""


async def enforce(
    connection: asyncpg.Connection,
    table: ExistingTable,
    insert_columns: Sequence[str] = (),
    update_columns: Sequence[str] = (),
    *,
    may_delete: bool = False,
) -> None:
    """Protect the table in one transaction: from then on it is the service's alone. Raises ProtectionError."""
    table.require(TableStep.SHADOWED)
    written = [*insert_columns, *update_columns]
    if obstacle := await connection.fetchval(OBSTACLES, table.table_id, written):
        raise ProtectionError(f"{table.name}: {obstacle}")

    async def work() -> None:
        former = await literal(connection, (await _with_privileges(connection, table)).written())
        roles = [row["role"] for row in await connection.fetch(shadowing.HOLDERS, table.table_id)]
        await shadowing.drop_policies(connection, table)
        await preparing.drop_trigger(connection, table)
        await connection.execute(f"COMMENT ON COLUMN {table.name}.organization_id IS {former}")
        if roles:
            await connection.execute(f"REVOKE ALL ON {table.name} FROM {', '.join(roles)} CASCADE")
        await connection.execute(
            "CALL tenancy.protect_tenant_table($1::text::regclass, $2, $3, $4)",
            table.name,
            [*insert_columns],
            [*update_columns],
            may_delete,
        )
        # Samples can be read by EXPLAIN. Only a superuser may delete them.
        await connection.execute("RESET ROLE")
        await connection.execute(FORGET_SAMPLES, table.table_id)

    await change(connection, work)
    await filling.finish(connection)


async def _with_privileges(connection: asyncpg.Connection, table: ExistingTable) -> FormerState:
    grants = await connection.fetch(GRANTS, table.table_id)
    columns = await connection.fetch(STATISTICS, table.table_id)
    indexes = await connection.fetch(INDEX_STATISTICS, table.table_id)
    return replace(
        table.recorded,
        grants=tuple((row["privilege"], row["attribute"], row["role"], row["is_grantable"]) for row in grants),
        statistics={row["attribute"]: row["target"] for row in columns},
        index_statistics=tuple((row["index"], row["number"], row["target"]) for row in indexes),
    )


async def undo(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Unprotect the table, and give it back to its application, in shadow."""
    table.require(TableStep.ENFORCED)
    await filling.start(connection)
    former = await literal(connection, FormerState(table.recorded.type_was_public).written())
    await _require_plain_names(connection, table)

    async def work() -> None:
        await connection.execute("CALL tenancy.unprotect_tenant_table($1::text::regclass)", table.name)
        await execute_all(connection, *_restored(table))
        await connection.execute(f"COMMENT ON COLUMN {table.name}.organization_id IS {former}")
        await preparing.create_trigger(connection, table)
        await shadowing.create_policies(connection, table)

    await change(connection, work)
    await connection.execute(f"ANALYZE {table.name}")


async def _require_plain_names(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Raise ProtectionError if the comment, which the owner can write, has statements: a superuser would run them."""
    former = table.recorded
    roles = {row["role"] for row in await connection.fetch("SELECT oid::regrole::text AS role FROM pg_roles")}
    indexes = {row["index"] for row in await connection.fetch(INDEX_STATISTICS, table.table_id)}
    numbers = [number for _, number, _ in former.index_statistics]
    targets = [*(former.statistics or {}).values(), *(target for _, _, target in former.index_statistics)]
    if not (
        all(privilege in PRIVILEGES and role in roles for privilege, _, role, _ in former.grants)
        and {index for index, _, _ in former.index_statistics} <= indexes
        and all(isinstance(number, int) for number in numbers)
        and all(isinstance(target, int | None) for target in targets)
    ):
        raise ProtectionError(
            f"the comment of the column organization_id of {table.name} names what is not there: a role or an index "
            "was dropped, or the comment was changed; correct it"
        )


def _restored(table: ExistingTable) -> list[str]:
    former = table.recorded
    grants = [
        f"GRANT {privilege}{f' ({_quoted(column)})' if column else ''} ON {table.name} TO {role}"
        + (" WITH GRANT OPTION" if option else "")
        for privilege, column, role, option in former.grants
    ]
    columns = [
        f"ALTER TABLE {table.name} ALTER COLUMN {_quoted(column)} SET STATISTICS {_target(target)}"
        for column, target in (former.statistics or {}).items()
    ]
    indexes = [
        f"ALTER INDEX {index} ALTER COLUMN {number} SET STATISTICS {_target(target)}"
        for index, number, target in former.index_statistics
    ]
    return [*grants, *columns, *indexes]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _target(target: int | None) -> str:
    return "DEFAULT" if target is None else str(target)
