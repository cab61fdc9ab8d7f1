"""Output for scripts. docs/reference/command-line.md lists the fields; a test compares them."""

import json
from datetime import datetime
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value: timestamps as ISO 8601, ids as text, ASCII only, which every terminal and pipe can carry."""
    typer.echo(json.dumps(value, indent=indent, default=_as_text))


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
