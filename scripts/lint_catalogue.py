"""Migrate a throw-away database and lint its catalogue: by the rules of `mtdb check`, and by pgrls.

Both look at what the migrations really make, so a table, function or grant that a migration forgets to protect is found
before anybody deploys it.
"""

import asyncio
import os
import secrets
import subprocess
import sys
from pathlib import Path

from sqlalchemy import URL, make_url

from multi_tenant_db.database import installation
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.safety_check import check_database
from multi_tenant_db.database.safety_report import SafetyReport
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.settings import Settings

PGRLS = Path(sys.executable).with_name("pgrls")


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
        pgrls = subprocess.run([PGRLS, "lint", "--database-url", plain(admin_url)], check=False)
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


def plain(url: URL) -> str:
    """Return the address with its password, as every driver understands it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
