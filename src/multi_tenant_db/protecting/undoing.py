"""Undoes the last step."""

import asyncpg

from multi_tenant_db.protecting import enforcing, preparing, shadowing, validating
from multi_tenant_db.protecting.existing_table import ExistingTable
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.protecting.table_step import TableStep


async def undo(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Undo the step that the table is at; an interrupted `validate` with `prepare`. Raises ProtectionError."""
    match table.step:
        case TableStep.ENFORCED:
            await enforcing.undo(connection, table)
        case TableStep.SHADOWED:
            await shadowing.undo(connection, table)
        case TableStep.VALIDATED:
            await validating.undo(connection, table)
        case TableStep.PREPARED:
            await validating.undo(connection, table)
            await preparing.undo(connection, table)
        case TableStep.UNTOUCHED:
            raise ProtectionError(f"{table.name} is untouched: there is nothing to undo")
