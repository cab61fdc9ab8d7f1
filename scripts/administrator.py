"""What `make` does as an administrator of the databases: their URLs, and the privileges of other databases."""

import os
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from development_environment import read_environment
from local_servers import administrators

from multi_tenant_db.database.connecting import connect_to
from multi_tenant_db.database_url import read_database_url

URL_VARIABLES = ("MTDB_DATABASE_URL", "MTDB_SERVERS")
ADMIN_URLS = {
    name: value
    for name, value in os.environ.items()
    if value and os.environ.get("MTDB_DATABASE_URL") and name.startswith(URL_VARIABLES)
}
"""The administrators' URLs of servers of the user's own, by variable; none without MTDB_DATABASE_URL."""


def admin_urls() -> dict[str, str]:
    """Return the administrators' URLs by variable, none if there is no database yet."""
    file = read_environment()
    if not ADMIN_URLS and file.get("STACK") == "embedded":
        return administrators()
    if not ADMIN_URLS and file.get("STACK") == "docker":
        url = file["MTDB_DATABASE_URL"].replace("://", f"://postgres:{file['POSTGRES_PASSWORD']}@")
        return {"MTDB_DATABASE_URL": url}
    return ADMIN_URLS


def without_users() -> dict[str, str]:
    """Return the URLs of the user's own servers without the administrators, by variable."""
    parts = {name: urlsplit(url) for name, url in ADMIN_URLS.items()}
    return {name: urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2])) for name, url in parts.items()}


async def close_other_databases(urls: Iterable[str]) -> None:
    """Revoke access to the other databases of each server, like scripts/harden_self_managed.sql."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    for url in urls:
        connection = await connect_to(read_database_url(url), seconds=10)
        try:
            await connection.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
        finally:
            await connection.close()
