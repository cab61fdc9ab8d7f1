"""Reads rows as JSON Lines from a server, in one format for files and checksums."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg

from multi_tenant_db.records.record_table import RecordTable
from multi_tenant_db.records.scope import Scope

# JSON has no control characters, so none of its lines is quoted: the stream is the lines as they are.
QUOTE, DELIMITER = "\x01", "\x02"
LINES = "mtdb_imported_lines"

type Sink = Callable[[bytes], Awaitable[None]]


async def copy_out(connection: asyncpg.Connection, table: RecordTable, scope: Scope, sink: Sink) -> int:
    """Send the scope's rows to the sink, in the order of the key; return their number."""
    status = await connection.copy_from_query(
        table.select_as_json(scope), output=sink, format="csv", quote=QUOTE, delimiter=DELIMITER
    )
    return int(status.rpartition(" ")[2])


async def copy_in(connection: asyncpg.Connection, chunks: AsyncIterator[bytes]) -> int:
    """Store the lines in the temporary table of this session; return their number."""
    status = await connection.copy_to_table(
        LINES, source=chunks, format="csv", quote=QUOTE, delimiter=DELIMITER, schema_name="pg_temp"
    )
    return int(status.rpartition(" ")[2])
