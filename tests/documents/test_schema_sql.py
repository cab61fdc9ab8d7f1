"""docs/schema.sql: the schema as the migrations make it."""

import re

import asyncpg
from sqlalchemy import URL

from tests.documents.schema_sql import schema_sql
from tests.support.catalogue import describe
from tests.support.fresh_database import fresh_database
from tests.support.sources import ROOT

FILE = ROOT / "docs" / "schema.sql"


async def test_it_is_the_schema_of_the_migrations(server_url: URL) -> None:
    """The file is what `make docs` would write."""
    async with fresh_database(server_url) as migrated:
        connection = await migrated.connect_as_admin()
        text = await schema_sql(connection)
        await connection.close()
    assert text == FILE.read_text(encoding="utf-8"), "`make docs` writes it anew"


async def test_it_makes_the_schema_of_the_migrations(server_url: URL) -> None:
    """Run as the owner in an empty database it leaves what the migrations leave, but for the indentation of bodies."""
    async with fresh_database(server_url) as migrated:
        connection = await migrated.connect_as_admin()
        expected = await describe(connection)
        await connection.close()
    async with fresh_database(server_url, revision=None) as own:
        connection = await own.connect_as_admin()
        await connection.execute("SET ROLE tenancy_owner")
        await connection.execute(FILE.read_text(encoding="utf-8"))
        await connection.execute("RESET ROLE")
        made = await describe(connection)
        await connection.close()

    def in_one_line(lines: list[str]) -> set[str]:
        return {re.sub(r"\s+", " ", line) for line in lines if "alembic_version" not in line}

    assert in_one_line(made) == in_one_line(expected)


async def test_an_object_more_is_seen(as_admin: asyncpg.Connection) -> None:
    """It is made from the catalogue: what is added there appears, with its policy, grant and comment."""
    transaction = as_admin.transaction()
    await transaction.start()
    await as_admin.execute("""
        CREATE TABLE tenancy.offices (office_id uuid PRIMARY KEY, "City" text DEFAULT 'London' CHECK ("City" <> ''));
        COMMENT ON COLUMN tenancy.offices."City" IS 'Where it is';
        CREATE POLICY open ON tenancy.offices FOR SELECT TO tenancy_api USING (true);
        GRANT SELECT ("City") ON tenancy.offices TO tenancy_api;
        CREATE INDEX ON tenancy.offices ("City")
    """)
    text = await schema_sql(as_admin)
    await transaction.rollback()

    for line in (
        "    \"City\"    text DEFAULT 'London'::text,",
        "    office_id uuid NOT NULL,",
        "COMMENT ON COLUMN tenancy.offices.\"City\" IS 'Where it is';",
        "CREATE POLICY open ON tenancy.offices\nFOR SELECT TO tenancy_api\nUSING (true);",
        'GRANT SELECT ("City") ON TABLE tenancy.offices TO tenancy_api;',
        'CREATE INDEX "offices_City_idx" ON tenancy.offices USING btree ("City");',
    ):
        assert line in text
