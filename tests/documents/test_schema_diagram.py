"""The diagram of the schema."""

import asyncpg

from tests.documents.generated import with_part
from tests.documents.schema_diagram import schema_diagram
from tests.support.sources import ROOT


async def test_the_diagram_is_that_of_the_database(as_admin: asyncpg.Connection) -> None:
    """The diagram shows the tables, columns and references that the migrations have made."""
    document = (ROOT / "docs" / "reference" / "database.md").read_text(encoding="utf-8")
    assert with_part(document, "schema", await schema_diagram(as_admin)) == document, "`make docs` draws it anew"


async def test_a_table_more_is_seen(as_admin: asyncpg.Connection) -> None:
    """The diagram is drawn from the catalogue: what is added there appears."""
    transaction = as_admin.transaction()
    await transaction.start()
    await as_admin.execute("CREATE TABLE tenancy.offices (office_id uuid PRIMARY KEY, city text)")
    diagram = await schema_diagram(as_admin)
    await transaction.rollback()
    assert '"tenancy.offices"' in diagram
    assert "uuid office_id PK" in diagram
    assert 'text city "may be null"' in diagram
