"""The command `mtdb`, run in this process as its console script runs it, or as a process of its own."""

import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from multi_tenant_db.cli.main import main
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase

PROGRAM = Path(sys.executable).with_name("mtdb")


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def complaint(self) -> str:
        """Return the one line on standard error that an operator's mistake deserves."""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self.stderr
        assert lines[0].startswith("mtdb: ")
        assert self.stdout == ""
        return lines[0]

    @property
    def json(self) -> Any:
        """Return what was printed for scripts."""
        return json.loads(self.stdout)


def settings_for(database: TestDatabase, **changes: str) -> dict[str, str]:
    """Return the environment that names the database and the passwords of its roles; an empty text removes one."""
    url = database.admin_url
    environment = {
        "MTDB_DATABASE_URL": f"postgresql://{url.host}:{url.port}/{url.database}",
        "MTDB_API_PASSWORD": API_PASSWORD,
        "MTDB_OPERATOR_PASSWORD": OPERATOR_PASSWORD,
        "MTDB_STARTUP_TIMEOUT_SECONDS": "0",
    }
    return {name: value for name, value in (environment | changes).items() if value}


async def mtdb(*arguments: str, env: Mapping[str, str]) -> Outcome:
    """Run the command in a thread of this process, with nothing but these settings."""

    def run() -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.WARNING)  # as in a new process, whatever a test before has set
        with (
            patch.object(root, "handlers", [one for one in root.handlers if type(one).__module__ == "_pytest.logging"]),
            patch.object(sys, "argv", ["mtdb", *arguments]),
            patch.dict(os.environ, env),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
                code: object = 0
            except SystemExit as ended:
                code = ended.code or 0
            finally:
                root.setLevel(level)
        assert isinstance(code, int)
        return Outcome(code, out.getvalue(), err.getvalue())

    return await asyncio.to_thread(run)


async def mtdb_process(*arguments: str, env: Mapping[str, str], cwd: Path, program: Path = PROGRAM) -> Outcome:
    """Run the installed program in a folder, with nothing but these settings."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env={"PATH": os.environ["PATH"], **env},
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    return Outcome(process.returncode or 0, out.decode(), err.decode())
