"""Every command on the service that a document shows is run, and prints what the document says."""

import re

import asyncpg
import pytest
from sqlalchemy import URL

from tests.documents.normal_form import for_reading, normal_form
from tests.documents.reader import run_blocks
from tests.documents.shell_block import FENCE, NOT_RUN, servers_of, shell_blocks
from tests.support.extent import EXHAUSTIVE
from tests.support.seeded_service import SeededService, seeded_service
from tests.support.sources import name_of, project_files

DOCUMENTS = {
    name_of(path): path
    for path in project_files()
    if path.suffix == ".md" and shell_blocks(path.read_text(encoding="utf-8"))
}
TENANTS = "SELECT tenant.* FROM tenancy.tenants AS tenant ORDER BY tenant_id"


FIRST_READ = ("README.md", "docs/tutorial.md")
"""The documents whose commands every run tries."""


async def tenants_of(service: SeededService) -> list[list[asyncpg.Record]]:
    """Return the tenants of each server."""
    found = []
    for database in service.databases:
        admin = await database.connect_as_admin()
        found.append(await admin.fetch(TENANTS))
        await admin.close()
    return found


@pytest.mark.parametrize("name", DOCUMENTS if EXHAUSTIVE else FIRST_READ)
async def test_commands_print_what_the_document_shows(name: str, server_url: URL) -> None:
    """The commands of a document, in order, print what it shows, and leave the sample data as it was."""
    document = DOCUMENTS[name].read_text(encoding="utf-8")
    blocks = shell_blocks(document)
    async with seeded_service(server_url, servers_of(document)) as service:
        before = await tenants_of(service)
        printed = await run_blocks(blocks, service)
        after = await tenants_of(service)
    shown = "\n".join(block.expected.strip() for block in blocks)
    real = "\n".join(output.strip() for output in printed)
    assert normal_form(shown) == normal_form(real), f"`make docs` writes the outputs of {name} anew"
    assert all(before)
    assert after == before, f"{name} does not leave the sample data as it was"


def test_no_call_stands_outside_a_block_of_commands() -> None:
    """A document shows `curl` in blocks that are run, or says in a comment before the block why it is not run."""
    for path in project_files():
        if path.suffix != ".md":
            continue
        text = path.read_text(encoding="utf-8")
        commands = {block.commands for block in shell_blocks(text)}
        for fence in FENCE.finditer(text):
            excused = text[: fence.start()].rstrip().rpartition("\n")[2].startswith(NOT_RUN)
            shows_a_call = re.search(r"^\s*(?:\$ )?curl ", fence[2], re.MULTILINE)
            assert not shows_a_call or fence[2] in commands or excused, f"{name_of(path)}: {fence[2]}"


SHOWN = """
```sh
curl http://127.0.0.1:8000/health
```

```json
{"a": "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a",
 "b": [1, 2]}
```
"""


def test_a_block_is_read_with_its_output() -> None:
    """The output belongs to the commands before it; `start` and `end` are its place."""
    (block,) = shell_blocks(SHOWN)
    assert block.commands == "curl http://127.0.0.1:8000/health\n"
    assert SHOWN[block.start : block.end] == block.expected
    assert shell_blocks(SHOWN.replace("```sh", f"{NOT_RUN}the database is down -->\n```sh")) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1,\n "b": 2}', '{"a":1,"b":2}', True),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', False),
        ('{"a": 1}', '{"a": 2}', False),
        ("etag: 1", "etag: 2", False),
        ("2026-11-21T20:45:52.916107Z", "2027-01-01T00:00:00Z", True),
        (f"{'a' * 8}-aaaa-aaaa-aaaa-{'a' * 12} " * 2, f"{'b' * 8}-bbbb-bbbb-bbbb-{'b' * 12} " * 2, True),
        (f"{'a' * 8}-aaaa-aaaa-aaaa-{'a' * 12} " * 2, f"{'a' * 8}-aaaa-aaaa-aaaa-{'a' * 12} x", False),
    ],
    ids=["layout", "order", "value", "text", "time", "identifier", "another-identifier"],
)
def test_outputs_are_compared_by_what_must_agree(one: str, other: str, same: bool) -> None:
    """Layout, times and fresh identifiers may differ; every other byte counts, and so does which identifier it is."""
    assert (normal_form(one) == normal_form(other)) is same


def test_json_is_laid_out_for_reading() -> None:
    """A long value is broken into lines of at most 120 characters, and stays the same value."""
    text = '{"items": [' + ", ".join(f'{{"name": "HSBC {n}", "tenant_type": "subsidiary"}}' for n in range(9)) + "]}"
    written = for_reading(text)
    assert max(map(len, written.splitlines())) <= 120
    assert normal_form(written) == normal_form(text)


def test_the_tutorial_is_among_them() -> None:
    """The tutorial is among the documents that are run."""
    assert {"README.md", "docs/tutorial.md"} <= set(DOCUMENTS)
