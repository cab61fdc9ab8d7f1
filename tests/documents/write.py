"""`make docs`: write anew what the documents show of the code and of the running service."""

import asyncio
import logging
import os
import sys

from sqlalchemy import URL, make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.settings import Settings
from tests.documents.collection import openapi
from tests.documents.generated import generated_files, with_part
from tests.documents.normal_form import for_reading, normal_form
from tests.documents.reader import run_blocks
from tests.documents.route_gaps import route_gaps
from tests.documents.schema_diagram import schema_diagram
from tests.documents.schema_sql import schema_sql
from tests.documents.shell_block import servers_of, shell_blocks
from tests.support.fresh_database import fresh_database
from tests.support.seeded_service import seeded_service
from tests.support.sources import ROOT, name_of, project_files


def main() -> None:
    """Write the generated files, then the outputs of commands, where they have changed."""
    logging.disable(logging.INFO)  # of the migrations
    for name in [name for name in os.environ if name.startswith("MTDB_")]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    os.chdir(ROOT)
    write_files()
    with EmbeddedPostgres.temporary() as server:
        asyncio.run(write_schema(make_url(server.url())))
        asyncio.run(write_outputs(make_url(server.url())))


def tell(line: str) -> None:
    """Print a line of the command's report."""
    sys.stdout.write(f"{line}\n")


def write_files() -> None:
    """Write the files that are made from the code alone; end with a line for each thing that a route lacks."""
    if gaps := route_gaps(openapi()):
        sys.exit("\n".join(f"error: {gap}" for gap in gaps))
    for path, content in generated_files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            tell(f"wrote {name_of(path)}")


async def write_schema(server_url: URL) -> None:
    """Write and draw the schema that the migrations make."""
    path = ROOT / "docs" / "reference" / "database.md"
    async with fresh_database(server_url) as database:
        connection = await database.connect_as_admin()
        diagram, text = await schema_diagram(connection), await schema_sql(connection)
        await connection.close()
    file = ROOT / "docs" / "schema.sql"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
        tell(f"wrote {name_of(file)}")
    document = path.read_text(encoding="utf-8")
    if (drawn := with_part(document, "schema", diagram)) != document:
        path.write_text(drawn, encoding="utf-8")
        tell(f"drew the schema in {name_of(path)}")


async def write_outputs(server_url: URL) -> None:
    """Run every document's commands, each against a service with fresh sample data, and show what they print."""
    for path in project_files():
        if path.suffix != ".md" or not (blocks := shell_blocks(path.read_text(encoding="utf-8"))):
            continue
        async with seeded_service(server_url, servers_of(path.read_text(encoding="utf-8"))) as service:
            printed = await run_blocks(blocks, service)
        text = document = path.read_text(encoding="utf-8")
        shown = "\n".join(block.expected.strip() for block in blocks)
        if normal_form(shown) == normal_form("\n".join(output.strip() for output in printed)):
            continue
        for block, output in reversed(list(zip(blocks, printed, strict=True))):
            if block.expected:
                text = text[: block.start] + for_reading(output) + text[block.end :]
            elif output:
                kind = "json" if output.startswith("{") else "http" if output.startswith("HTTP/") else "text"
                text = f"{text[: block.start]}\n\n```{kind}\n{for_reading(output)}```{text[block.end :]}"
        if text != document:
            path.write_text(text, encoding="utf-8")
            tell(f"wrote the outputs of {name_of(path)}")


if __name__ == "__main__":
    main()
