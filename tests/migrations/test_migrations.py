"""Every migration goes up, down and up again, empty and with data, and the models agree with the end of it."""

import asyncio
import io
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import create_async_engine

from multi_tenant_db.models import Base
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from tests.support.catalogue import describe
from tests.support.fresh_database import fresh_database
from tests.support.migrations import environment, migrate, roll_back
from tests.support.registry import Registry
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

SCRIPTS = ScriptDirectory.from_config(Config("alembic.ini"))
HISTORY = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]
"""Oldest first."""


@pytest.fixture
async def empty(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database with roles and without a schema."""
    async with fresh_database(server_url, revision=None) as database:
        yield database


async def up(database: TestDatabase, revision: str = "head") -> None:
    """Upgrade."""
    await asyncio.to_thread(migrate, database.admin_url, revision)


async def down(database: TestDatabase, revision: str = "base") -> None:
    """Downgrade."""
    await asyncio.to_thread(roll_back, database.admin_url, revision)


async def snapshot(database: TestDatabase, *fill: str) -> list[str]:
    """Run statements, if any, and return what the catalogues say afterwards."""
    connection = await database.connect_as_admin()
    try:
        for statement in fill:
            await connection.execute(statement)
        return await describe(connection)
    finally:
        await connection.close()


def messages(script: str) -> list[str]:
    """Split a script as psql sends it: a transaction may be one message, what stands outside one must be alone."""
    found: list[str] = []
    for number, part in enumerate(re.split(r"^(?:BEGIN|COMMIT);$", script, flags=re.MULTILINE)):
        is_transaction = number % 2 == 1
        found += [f"BEGIN; {part} COMMIT"] if is_transaction else [s for s in part.split(";\n") if s.strip()]
    return found


async def test_up_down_up_makes_the_same_schema(empty: TestDatabase) -> None:
    """A full downgrade restores the earlier state, and the second upgrade makes the same schema."""
    before = await snapshot(empty)
    await up(empty)
    first = await snapshot(empty)
    await down(empty)
    # Alembic keeps its own table, empty, and with what its owner gave the service.
    after = [line for line in await snapshot(empty) if "alembic_version" not in line]
    await up(empty)

    assert after == before
    assert await snapshot(empty) == first
    assert len(first) > len(before) + 50


@pytest.mark.exhaustive
async def test_each_migration_steps_down_and_up(empty: TestDatabase) -> None:
    """Each migration undone alone leaves exactly the schema before it, and redone the schema after it."""
    previous = "base"
    for revision in HISTORY:
        if previous != "base":
            before = await snapshot(empty)
            await up(empty, revision)
            after = await snapshot(empty)
            await down(empty, previous)
            assert await snapshot(empty) == before, f"{revision} does not undo itself"
            await up(empty, revision)
            assert await snapshot(empty) == after, f"{revision} does not redo itself"
            assert after != before
        else:
            await up(empty, revision)
        previous = revision


async def test_a_rollback_of_the_policies_leaves_no_open_table(empty: TestDatabase) -> None:
    """Without its policies the table is closed to the service, not open to every role."""
    await up(empty)
    await down(empty, "create_sign_in")
    as_api = await empty.connect_as_api()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_api.execute("SELECT FROM tenancy.tenants")
    await as_api.close()


async def test_issued_tokens_outlive_a_rollback_of_their_administration(empty: TestDatabase) -> None:
    """Rolling back the newest migration keeps callers signed in, as its docstring promises."""
    await up(empty)
    as_operator = await empty.connect_as_operator()
    bank = await Registry(as_operator).create_organization()
    await as_operator.close()
    await down(empty, "isolate_tenants")

    as_api = await empty.connect_as_api()
    caller = await as_api.fetchrow("SELECT * FROM tenancy.sign_in($1)", bank.parent.token)
    await as_api.close()
    assert caller["tenant_id"] == bank.parent.tenant_id


async def test_the_models_agree_with_the_migrations(database: TestDatabase) -> None:
    """Autogenerate finds nothing to do: tables, columns, types, defaults, keys and indexes are mapped as they are."""

    def differences(connection: Connection) -> list[object]:
        def is_ours(name: str | None, kind: str, _parents: object) -> bool:
            return kind != "schema" or name == "tenancy"

        options = {
            "include_schemas": True,
            "include_name": is_ours,
            "compare_type": True,
            "compare_server_default": True,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    engine = create_async_engine(database.admin_url.set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


async def test_alembic_check_finds_nothing(database: TestDatabase) -> None:
    """`alembic check`, with the project's own environment, finds no new operations either."""

    def check() -> None:
        with environment(database.admin_url):
            command.check(Config("alembic.ini", stdout=io.StringIO()))

    await asyncio.to_thread(check)


def test_the_service_requires_the_newest_migration() -> None:
    """There is a single head, and it is the revision that the service demands."""
    assert SCRIPTS.get_heads() == [REQUIRED_SCHEMA_REVISION]


def test_every_migration_says_what_it_does() -> None:
    """Each file is named by its number and revision, has no date, and describes its upgrade and its downgrade."""
    for number, script in enumerate(reversed(list(SCRIPTS.walk_revisions())), 1):
        assert Path(script.path).name == f"{number:04}_{script.revision}.py"
        assert not re.search(r"\b20\d\d-\d\d", Path(script.path).read_text(encoding="utf-8"))
        assert len(script.longdoc) > 100
        for way in ("upgrade", "downgrade"):
            assert getattr(script.module, way).__doc__


def test_a_checkout_may_lie_anywhere(tmp_path: Path) -> None:
    """Alembic reads its file also where the path holds a percent sign, as Jenkins makes them."""
    project = tmp_path / "feature%2Fone %(two)s"
    project.mkdir()
    for name in ("alembic.ini", "migrations"):
        (project / name).symlink_to(ROOT / name)
    alembic = Path(sys.executable).with_name("alembic")
    said = subprocess.run([alembic, "heads"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{REQUIRED_SCHEMA_REVISION} (head)"


async def test_the_sql_can_be_printed_offline(empty: TestDatabase) -> None:
    """`alembic upgrade head --sql` needs no database, and what it prints makes the same schema."""
    printed = io.StringIO()
    command.upgrade(Config("alembic.ini", output_buffer=printed), "head", sql=True)

    by_script = await snapshot(empty, "SET ROLE tenancy_owner", *messages(printed.getvalue()), "RESET ROLE")
    await down(empty)
    await up(empty)
    assert by_script == await snapshot(empty)


async def test_the_sql_of_a_rollback_can_be_printed_offline() -> None:
    """`alembic downgrade head:base --sql` needs no database either."""
    printed = io.StringIO()
    command.downgrade(Config("alembic.ini", output_buffer=printed), "head:base", sql=True)

    assert "DROP TABLE tenancy.tenants" in printed.getvalue()
