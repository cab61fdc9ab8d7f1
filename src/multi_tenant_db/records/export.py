"""Writes an organisation, or one of its tenants, to a folder: everything as of one moment."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import asyncpg

from multi_tenant_db import __version__
from multi_tenant_db.lint.expected import TENANTS
from multi_tenant_db.records.catalogue import check_tables, find_exported_tables
from multi_tenant_db.records.copying import copy_out
from multi_tenant_db.records.data_file import DataFile
from multi_tenant_db.records.manifest import MANIFEST, Manifest
from multi_tenant_db.records.manifest_file import ManifestFile
from multi_tenant_db.records.record_table import RecordTable
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.records.revision import require_revision
from multi_tenant_db.records.scope import Scope

type Progress = Callable[[str, int], None]
"""Is told the table and the number of bytes written so far, of all tables."""

MOMENT = """
    SELECT transaction_timestamp() AS exported_at,
           pg_current_snapshot()::text AS snapshot,
           current_setting('server_version') AS server_version
"""

NAME = f"SELECT name FROM {TENANTS} WHERE organization_id = $1 AND tenant_id = $2"


def check_folder(folder: Path) -> None:
    """Raise RecordsError unless the folder is absent or empty."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise RecordsError(f"{folder} exists and is not an empty folder: name another one")


async def export(
    connection: asyncpg.Connection, scope: Scope, folder: Path, progress: Progress = lambda _table, _bytes: None
) -> Manifest:
    """Write a file for each table and a manifest to the folder, which appears when it is complete.

    Readers and writers are not held up. Raises RecordsError, and what the driver raises.
    """
    unfinished = _begin(folder)
    try:
        manifest = await _write(connection, scope, unfinished, progress)
        _complete(unfinished, folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return manifest


def _begin(folder: Path) -> Path:
    """Create a folder of another name beside it, which only this user can read."""
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))


def _complete(unfinished: Path, folder: Path) -> None:
    check_folder(folder)
    _sync(unfinished)
    unfinished.rename(folder)
    _sync(folder.parent)


async def _write(connection: asyncpg.Connection, scope: Scope, folder: Path, progress: Progress) -> Manifest:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        moment = await connection.fetchrow(MOMENT)
        revision = await require_revision(connection)
        await check_tables(connection)
        name = await connection.fetchval(NAME, scope.organization_id, scope.tenant_id)
        if name is None:
            raise RecordsError(f"the {scope.description} has just been deleted: nothing was exported")
        files: list[ManifestFile] = []
        written = 0
        for table in await find_exported_tables(connection):
            if table.is_in(scope):
                file, written = await _write_table(
                    connection, table, scope, folder, partial(progress, table.name), written
                )
                files.append(file)
    manifest = Manifest(
        organization_id=scope.organization_id,
        tenant_id=scope.tenant_id,
        name=name,
        schema_revision=revision,
        service_version=__version__,
        files=tuple(files),
        **moment,
    )
    with DataFile(folder / MANIFEST) as data:
        text = json.dumps(manifest.model_dump(mode="json"), indent=2)
        await data.write(f"{text}\n".encode())
    return manifest


async def _write_table(  # noqa: PLR0913, PLR0917 - one call
    connection: asyncpg.Connection,
    table: RecordTable,
    scope: Scope,
    folder: Path,
    report: Callable[[int], None],
    written: int,
) -> tuple[ManifestFile, int]:
    """Return the manifest's entry, and the number of bytes written so far with this table."""
    with DataFile(folder / table.file) as data:

        async def write(chunk: bytes) -> None:
            await data.write(chunk)
            report(written + data.checksum.size)

        rows = await copy_out(connection, table, scope, write)
    columns = tuple(column.declared for column in table.columns)
    entry = ManifestFile(file=table.file, table=table.name, columns=columns, rows=rows, sha256=data.checksum.hexdigest)
    return entry, written + data.checksum.size


def _sync(folder: Path) -> None:
    """Write the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
