"""Migrates a temporary database and lints its catalogue: with the rules of `mtdb check`, and with pgrls.

Both check the result of the migrations, so an unprotected table, function or grant is found before
deployment.
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
REVIEWED_FUNCTIONS = [
    "tenancy.stamp_update",
    "tenancy_private.fill_in_organization",
    "tenancy_private.keep_quotas",
    "tenancy_private.remember_organization",
    "tenancy_private.record_row_event",
    "tenancy_private.refuse_truncation",
    "tenancy_private.wait_for_creations",
]
"""Trigger functions, on any table: they set organisation, version and time, record an event, lock, or raise errors."""


def main() -> None:
    """Exit with code 1 if either has findings."""
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
    """Create the database and its roles."""
    await installation.create_database(admin_url)
    await installation.create_roles(admin_url, api_password=password, operator_password=password)


async def check(admin_url: URL, password: str) -> SafetyReport:
    """Run the safety check as the service's role."""
    url = f"postgresql://{admin_url.host}:{admin_url.port}/{admin_url.database}"
    settings = Settings.model_validate({"database_url": url, "api_password": password})
    engine = create_engine(service_url(settings), settings)
    try:
        return await check_database(engine)
    finally:
        await engine.dispose()


async def allowed_triggers(admin_url: URL) -> str:
    """Return the section on SEC013, which demands a review of every trigger's function and lists tables."""
    engine = create_async_engine(admin_url.set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        triggers = (await connection.scalars(TRIGGERS, {"functions": REVIEWED_FUNCTIONS})).all()
    await engine.dispose()
    return f"\n[lint.rules.SEC013]\nallowlist = {json.dumps([*triggers])}\n"


def plain(url: URL) -> str:
    """Return the URL with its password, without SQLAlchemy's driver name."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
