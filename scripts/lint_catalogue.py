"""Migrate a throw-away database and lint its catalogue: by the rules of `mtdb check`, and by pgrls.

Both look at what the migrations really make, so a table, function or grant that a migration forgets to protect is found
before anybody deploys it.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.lint.safety_check import check_database
from multi_tenant_db.lint.safety_report import SafetyReport
from multi_tenant_db.schema import installation
from multi_tenant_db.settings import Settings

PGRLS = Path(sys.executable).with_name("pgrls")
CONFIGURATION = Path(__file__).resolve().parent.parent / "pgrls.toml"
TRIGGERS = text("""
    SELECT format('%s.%s', tgrelid::regclass, tgname)
    FROM pg_trigger
    WHERE NOT tgisinternal
      AND tgfoid = ANY (CAST(:functions AS regproc[]))
    ORDER BY 1
""")
READ_LINE_BY_LINE = [
    "tenancy.stamp_update",
    "tenancy_private.record_row_event",
    "tenancy_private.record_tenant_event",
    "tenancy_private.refuse_truncation",
]
"""The functions of triggers, on whichever table: they set version and time, add an event about the row, or refuse."""


def main() -> None:
    """Exit with 1 when either finds something."""
    with EmbeddedPostgres.temporary() as server:
        admin_url = make_url(server.url("lint"))
        password = secrets.token_urlsafe()
        asyncio.run(install(admin_url, password))
        os.environ["MTDB_DATABASE_URL"] = plain(admin_url)
        installation.migrate()

        report = asyncio.run(check(admin_url, password))
        for danger in report.dangers:
            print(danger.explained(), flush=True)
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as configuration:
            configuration.write(CONFIGURATION.read_text() + asyncio.run(allowed_triggers(admin_url)))
            configuration.flush()
            lint = [str(PGRLS), "lint", "--config", configuration.name, "--database-url", plain(admin_url)]
            pgrls = subprocess.run(lint, check=False)
    sys.exit(bool(report.dangers or pgrls.returncode))


async def install(admin_url: URL, password: str) -> None:
    """Make the database and its roles."""
    await installation.create_database(admin_url)
    await installation.create_roles(admin_url, api_password=password, operator_password=password)


async def check(admin_url: URL, password: str) -> SafetyReport:
    """Look as the service does."""
    url = f"postgresql://{admin_url.host}:{admin_url.port}/{admin_url.database}"
    settings = Settings.model_validate({"database_url": url, "api_password": password})
    engine = create_engine(service_url(settings), settings)
    try:
        return await check_database(engine)
    finally:
        await engine.dispose()


async def allowed_triggers(admin_url: URL) -> str:
    """Return the section on SEC013, which wants the function of every trigger to be read, and names tables."""
    engine = create_async_engine(admin_url.set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        triggers = (await connection.scalars(TRIGGERS, {"functions": READ_LINE_BY_LINE})).all()
    await engine.dispose()
    return f"\n[lint.rules.SEC013]\nallowlist = {json.dumps([*triggers])}\n"


def plain(url: URL) -> str:
    """Return the address with its password, as every driver understands it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
