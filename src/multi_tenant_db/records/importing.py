"""Adds an exported organisation or tenant to a database, with the same ids, times and versions.

Triggers do not run, as in a restored backup: the rows are stored as they were. What foreign keys and deferrable unique
constraints demand is verified in the same transaction, and the stored rows are read again and compared with the
manifest's checksums before it commits.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg

from multi_tenant_db.lint.expected import EVENTS, REQUESTS, TENANTS
from multi_tenant_db.moving.administration import lock_moves
from multi_tenant_db.moving.catalogue import find_missing_references, find_tables
from multi_tenant_db.records.catalogue import check_tables, find_exported_tables, find_record_tables
from multi_tenant_db.records.checksum import Checksum
from multi_tenant_db.records.copying import LINES, copy_in, copy_out
from multi_tenant_db.records.deferred_keys import require_unique_keys
from multi_tenant_db.records.manifest import Manifest
from multi_tenant_db.records.manifest_file import ManifestFile
from multi_tenant_db.records.reading import read_chunks
from multi_tenant_db.records.record_table import RecordTable
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.records.revision import require_revision
from multi_tenant_db.records.scope import Scope
from multi_tenant_db.records.sequences import advance_sequences

type Entries = Sequence[tuple[RecordTable, ManifestFile]]

PARENT = f"SELECT FROM {TENANTS} WHERE organization_id = $1 AND tenant_id = $1 FOR KEY SHARE"
"""As a foreign key locks it: it cannot be deleted before this transaction ends."""

OPERATORS = UUID(int=0)
"""Stands for platform operators where a tenant's id would be: a tenant with it would read their remembered answers."""

RECORD = f"""
    INSERT INTO {EVENTS} (organization_id, tenant_id, event_type, new_values, database_role, table_name)
    VALUES ($1, $2, 'created', $3::jsonb, session_user, 'tenant_events')
"""


async def import_folder(connection: asyncpg.Connection, folder: Path, manifest: Manifest) -> None:
    """Store all rows of the manifest of `read_manifest`, and an event of the import, in one transaction.

    Raises RecordsError, after which nothing has changed, and what the driver raises.
    """
    entries = await _match(connection, manifest)
    scope = manifest.scope
    await lock_moves(connection)
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '5s'")
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(f"CREATE TEMPORARY TABLE {LINES} (line text) ON COMMIT DROP")
        await _require_absence(connection, scope)
        for table, entry in entries:
            try:
                await _store(connection, table, entry, folder, scope)
            except asyncpg.DataError as error:
                reason = str(error).partition("\n")[0]
                raise RecordsError(f"{entry.file} has a line that no export writes ({reason}): export again") from None
        await _require_references(connection, scope)
        await require_unique_keys(connection, [table.name for table, _ in entries], scope)
        await _compare(connection, entries, scope)
        await advance_sequences(connection, [table.name for table, _ in entries])
        told = {"imported": {"exported_at": manifest.exported_at.isoformat(), "rows": manifest.rows}}
        await connection.execute(RECORD, scope.organization_id, scope.tenant_id, json.dumps(told))


async def _match(connection: asyncpg.Connection, manifest: Manifest) -> Entries:
    """Return this database's tables with the files. Raises RecordsError if they do not fit."""
    revision = await require_revision(connection)
    if manifest.schema_revision != revision:
        raise RecordsError(
            f"the export has the schema revision {manifest.schema_revision}, this database {revision}: "
            "export again after `mtdb migrate`"
        )
    await check_tables(connection)
    tables = {table.name: table for table in await find_exported_tables(connection) if table.is_in(manifest.scope)}
    entries = {file.table: file for file in manifest.files}
    if missing := sorted(entries.keys() - tables.keys()):
        raise RecordsError(f"{', '.join(missing)} is missing in this database: run your migrations")
    if TENANTS not in entries or len(entries) != len(manifest.files):
        raise RecordsError("the manifest does not name each table once: export again")
    for name, entry in entries.items():
        if entry.columns != tuple(column.declared for column in tables[name].columns):
            raise RecordsError(f"{name} has other columns in this database: run your migrations")
        if entry.file != tables[name].file:
            raise RecordsError(f"the manifest names the file of {name} {entry.file!r}, not {tables[name].file!r}")
    return [(table, entries[name]) for name, table in tables.items() if name in entries]


async def _require_absence(connection: asyncpg.Connection, scope: Scope) -> None:
    if not scope.is_organization and not await connection.fetch(PARENT, scope.organization_id):
        raise RecordsError(f"the parent {scope.organization_id} of the tenant is not in this database: import it first")
    for table in await find_record_tables(connection):
        if table.is_in(scope) and await connection.fetchval(
            f"SELECT EXISTS (SELECT FROM {table.name} WHERE {scope.condition})"
        ):
            raise RecordsError(
                f"{table.name} has rows of the {scope.description} already: nothing was imported over them"
            )


async def _store(
    connection: asyncpg.Connection, table: RecordTable, entry: ManifestFile, folder: Path, scope: Scope
) -> None:
    await connection.execute(f"TRUNCATE pg_temp.{LINES}")
    count = await copy_in(connection, read_chunks(folder, entry))
    if count != entry.rows:
        raise RecordsError(f"{entry.file} has {count:,} lines, its manifest says {entry.rows:,}: export again")
    keys = {"organization_id": scope.organization_id}
    if table.has_tenant and not scope.is_organization:
        keys["tenant_id"] = scope.tenant_id
    for key, value in keys.items():
        foreign = f"SELECT count(*) FROM pg_temp.{LINES} WHERE line::jsonb ->> '{key}' IS DISTINCT FROM $1"
        if await connection.fetchval(foreign, str(value)):
            raise RecordsError(f"{entry.file} has rows that do not belong to the {scope.description}: export again")
    if table.name == TENANTS:
        await _take_ids(connection)
    await connection.execute(table.insert_from_json(f"pg_temp.{LINES}"))


async def _take_ids(connection: asyncpg.Connection) -> None:
    """Refuse tenants whose ids are taken, and forget answers remembered for deleted tenants that had these ids."""
    ids = f"(SELECT (line::jsonb ->> 'tenant_id')::uuid FROM pg_temp.{LINES})"
    if tenant_id := await connection.fetchval(f"SELECT tenant_id FROM {TENANTS} WHERE tenant_id IN {ids} LIMIT 1"):
        raise RecordsError(f"the id {tenant_id} belongs to a tenant of this database: nothing was imported over it")
    if await connection.fetchval(f"SELECT '{OPERATORS}' IN {ids}"):
        raise RecordsError(f"the id {OPERATORS} is that of platform operators: no tenant may have it")
    await connection.execute(f"DELETE FROM {REQUESTS} WHERE tenant_id IN {ids}")


async def _require_references(connection: asyncpg.Connection, scope: Scope) -> None:
    tables = await find_tables(connection)
    if missing := await find_missing_references(connection, tables, scope.organization_id):
        raise RecordsError(f"rows refer to what is not in this database: {', '.join(missing)}; import that first")


async def _compare(connection: asyncpg.Connection, entries: Entries, scope: Scope) -> None:
    """Read the rows as an export does. Raises RecordsError if they are not what was exported."""
    for table, entry in entries:
        checksum = Checksum()
        await copy_out(connection, table, scope, checksum.write)
        if checksum.hexdigest != entry.sha256:
            raise RecordsError(f"{table.name} would not be what was exported: export again from the same version")
