"""Warnings of the server's version name only updates that exist."""

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.development.postgres_releases import NEWEST_EMBEDDED, PACKAGE_VERSIONS
from multi_tenant_db.lint.server import SERVER_LACKS_FIXES

pytestmark = pytest.mark.exhaustive

WITHOUT_ITS_FIX = {"last_fixes": [170011], "server_version": 170010}


@pytest.mark.parametrize(("cluster_name", "warnings"), [(NEWEST_EMBEDDED, 0), ("main", 1)])
async def test_only_a_server_that_can_be_replaced_is_warned_of(cluster_name: str, warnings: int) -> None:
    """A server that lacks a fix has a warning, unless its cluster name says that there is no newer package."""
    with EmbeddedPostgres.temporary(settings={"cluster_name": cluster_name}) as server:
        engine = create_async_engine(server.url().replace("postgresql:", "postgresql+asyncpg:", 1))
        async with engine.connect() as connection:
            found = (await connection.execute(SERVER_LACKS_FIXES.query, WITHOUT_ITS_FIX)).all()
        await engine.dispose()
    assert len(found) == warnings


def test_only_the_newest_release_of_a_major_has_the_cluster_name() -> None:
    """The server of `make up` sets that cluster name only where no package has a newer release of the same major."""
    settings = {release: EmbeddedPostgres.for_development(release=release)._settings for release in PACKAGE_VERSIONS}
    newest = {release for release in settings if settings[release].get("cluster_name") == NEWEST_EMBEDDED}
    assert newest == {"18.4", "17.10"}
