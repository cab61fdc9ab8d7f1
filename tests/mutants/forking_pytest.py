"""Run pytest again and again, each time in a fork of a process that has already imported what takes long.

Reads orders from its input, a line of JSON each, and answers each with the exit code. Knows nothing of ours: a fork
imports the sources that its order names.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import alembic.command
import asyncpg
import fastapi
import httpx
import hypothesis.stateful
import pydantic_settings
import pytest
import sqlalchemy.ext.asyncio
import structlog
import typer

IMPORTED = (alembic, asyncpg, fastapi, httpx, hypothesis, pydantic_settings, sqlalchemy, structlog, typer)


def main() -> None:
    """Carry out orders until there are no more."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(order: dict[str, Any]) -> None:
    os.environ.update(order["environment"])
    sys.path.insert(0, order["sources"])
    with Path(order["output"]).open("wb") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    code = pytest.main(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
