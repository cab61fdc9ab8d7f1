"""A copy of tenancy.tenants in hash partitions, protected as any table of tenants' rows."""

from collections.abc import Iterator

import asyncpg

from benchmarks.load.wrong_response import WrongResponseError

ORIGINAL = "tenancy.tenants"
PROTECT = "CALL tenancy.protect_tenant_table('{table}', ARRAY['name'], ARRAY['name', 'metadata'])"


async def add_partitioned_copy(admin: asyncpg.Connection, partitions: int) -> str:
    """Create and fill a copy of the tenants, and return its name; 0 partitions make an ordinary table.

    The indexes and policies are those of an adopter's table; the owner creates them, so nothing is granted on a
    partition. Raises WrongResponseError if a row is missing.
    """
    table = f"{ORIGINAL}_in_{partitions}"
    await admin.execute("SET ROLE tenancy_owner")
    for statement in _definitions(table, partitions):
        await admin.execute(statement)
    await admin.execute("RESET ROLE")
    await admin.execute(f"INSERT INTO {table} SELECT * FROM {ORIGINAL}")
    await admin.execute("SET ROLE tenancy_owner")
    await admin.execute(PROTECT.format(table=table))
    await admin.execute("RESET ROLE")
    await admin.execute(f"VACUUM (ANALYZE) {table}")
    wanted, found = [await admin.fetchval(f"SELECT count(*) FROM {name}") for name in (ORIGINAL, table)]
    if wanted != found:
        raise WrongResponseError(f"{table} has {found} rows of {wanted}")
    return table


def _definitions(table: str, partitions: int) -> Iterator[str]:
    by = "PARTITION BY HASH (organization_id)" if partitions else ""
    yield f"CREATE TABLE {table} (LIKE {ORIGINAL} INCLUDING ALL) {by}"
    for remainder in range(partitions):
        bounds = f"FOR VALUES WITH (MODULUS {partitions}, REMAINDER {remainder})"
        yield f"CREATE TABLE {table}_{remainder} PARTITION OF {table} {bounds}"
