"""Real failures of a real database: triggers that refuse tenants of certain names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

DEFECT = "P0001"
"""An exception that nothing in the service expects."""

OVERLOAD = "53300"
SERIALIZATION_FAILURE = "40001"


@asynccontextmanager
async def refused_names(admin: asyncpg.Connection, sqlstate: str, *, at_commit: bool) -> AsyncIterator[str]:
    """Give the beginning of names that the database refuses with this SQLSTATE, at once or not before the commit."""
    mark = uuid4().hex[:12]
    constraint = "CONSTRAINT" if at_commit else ""
    deferred = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
    await admin.execute(f"""
        CREATE FUNCTION public.refuse_{mark}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'refused by a test' USING ERRCODE = '{sqlstate}';
        END
        $$
    """)
    await admin.execute(f"""
        CREATE {constraint} TRIGGER refuse_{mark} AFTER INSERT OR UPDATE ON tenancy.tenants {deferred}
        FOR EACH ROW WHEN (starts_with(NEW.name, '{mark}')) EXECUTE FUNCTION public.refuse_{mark}()
    """)
    try:
        yield mark
    finally:
        await admin.execute(f"DROP TRIGGER refuse_{mark} ON tenancy.tenants")
        await admin.execute(f"DROP FUNCTION public.refuse_{mark}()")
