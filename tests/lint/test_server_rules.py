"""The rules on the server's release, asked with the version numbers of servers that are not here."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.lint import catalogue_lint
from multi_tenant_db.lint.safety_check import check_database, require_safe_database
from multi_tenant_db.lint.server import (
    SERVER_LACKS_FIXES,
    SERVER_SHOWS_STATISTICS,
    SERVER_TOO_OLD,
    SERVER_UNTESTED,
    SERVER_UNTESTED_ALLOWED,
)
from multi_tenant_db.lint.unsafe_database_error import UnsafeDatabaseError
from tests.support.engines import pool
from tests.support.test_database import TestDatabase

RULES = (SERVER_TOO_OLD, SERVER_SHOWS_STATISTICS, SERVER_LACKS_FIXES, SERVER_UNTESTED, SERVER_UNTESTED_ALLOWED)


async def found(engine: AsyncEngine, version: int, *, allow_untested: bool = False) -> dict[str, str]:
    """Return the codes that a server of this version has, each with its remedy."""
    parameters = {
        "server_version": version,
        "oldest_server": catalogue_lint.OLDEST_SERVER,
        "last_rls_fix": catalogue_lint.LAST_RLS_FIX,
        "last_fixes": [*catalogue_lint.LAST_FIXES],
        "tested_majors": [*catalogue_lint.TESTED_MAJORS],
        "allow_untested": allow_untested,
    }
    codes: dict[str, str] = {}
    async with engine.connect() as connection:
        for rule in RULES:
            used = {name: parameters[name] for name in rule.query.compile().params}
            for row in await connection.execute(rule.query, used):
                codes[rule.code] = row.remedy
    return codes


@pytest.mark.parametrize(
    ("version", "codes"),
    [
        (160014, {"server-too-old", "server-shows-statistics"}),
        (170004, {"server-too-old", "server-shows-statistics", "server-lacks-fixes"}),
        (170005, {"server-shows-statistics", "server-lacks-fixes"}),
        (170010, {"server-lacks-fixes"}),
        (170011, set()),
        (180004, {"server-lacks-fixes"}),
        (180005, set()),
        (190000, {"server-untested"}),
        (200001, {"server-untested"}),
    ],
)
async def test_each_release_has_its_findings(database: TestDatabase, version: int, codes: set[str]) -> None:
    """From 17.5 on, 17 and 18 are accepted, without their last fixes with a warning; another major is a danger."""
    async with pool(database) as engine:
        assert {*await found(engine, version)} == codes


async def test_the_remedy_is_of_the_same_major(database: TestDatabase) -> None:
    """A fix is looked for in the major version that runs, since another one cannot read the data."""
    async with pool(database) as engine:
        remedies = [(await found(engine, version))["server-lacks-fixes"] for version in (170010, 180004)]
    assert remedies == ["use 17.11 or newer", "use 18.5 or newer"]


async def test_an_untested_major_can_be_allowed(database: TestDatabase) -> None:
    """Allowed, it is a warning; the setting hides nothing on a tested major, and excuses no server that is too old."""
    async with pool(database) as engine:
        assert {*await found(engine, 190000, allow_untested=True)} == {"server-untested-allowed"}
        assert {*await found(engine, 180005, allow_untested=True)} == set()
        assert "server-too-old" in await found(engine, 160014, allow_untested=True)


async def test_the_service_does_not_start_on_an_untested_major(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start is refused, or told of in a warning."""
    monkeypatch.setattr(catalogue_lint, "TESTED_MAJORS", (16,))
    async with pool(database) as engine:
        with pytest.raises(UnsafeDatabaseError, match="server-untested"):
            await require_safe_database(engine)
        report = await require_safe_database(engine, allow_untested=True)
        assert "server-untested-allowed" in {warning.code for warning in report.warnings}
        assert "server-untested" in {danger.code for danger in (await check_database(engine)).dangers}
