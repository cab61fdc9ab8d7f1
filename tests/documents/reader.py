"""Runs a document's commands, one after the other, in one shell."""

import asyncio
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

from tests.documents.shell_block import ShellBlock
from tests.support.seeded_service import SeededService
from tests.support.sources import ROOT

ADDRESS = "http://127.0.0.1:8000"
"""Where the documents say that the service listens."""

MARK = "---- end of a block ----"
TOKEN_TO_BE_MADE = re.compile(r'make -s token TENANT="([^"]*)"')
CURL_AT_A_TERMINAL = "no-progress-meter\n"


async def run_blocks(blocks: list[ShellBlock], service: SeededService) -> list[str]:
    """Return what each block prints, errors included, as a reader at the documents' address would see it.

    `make token` is replaced, since it uses the development's database.
    """
    commands = "\n".join(f"{{\n{block.commands}}} 2>&1\necho '{MARK}'" for block in blocks)
    tokens = {name: await service.token(name) for name in sorted({"HSBC", *TOKEN_TO_BE_MADE.findall(commands)})}
    choices = " ".join(f"{shlex.quote(f'TENANT={name}')}) echo {token};;" for name, token in tokens.items())
    script = f'make() {{ case "${{3:-TENANT=HSBC}}" in {choices} esac; }}\n' + commands
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / ".curlrc").write_text(CURL_AT_A_TERMINAL)
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            script.replace(ADDRESS, service.url),
            cwd=ROOT,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": home,
                "COLUMNS": "120",
                "MTDB_URL": service.url,
                **service.environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(60):
            printed, _ = await process.communicate()
    outputs = printed.decode().replace(service.url.removeprefix("http://"), ADDRESS.removeprefix("http://"))
    *parts, rest = outputs.split(f"{MARK}\n")
    assert not rest, rest
    return parts
