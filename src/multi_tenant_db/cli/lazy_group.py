"""Commands that are imported when they are called."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

COMMANDS = ("serve", "migrate", "seed", "check", "audit", "token", "postgres")
"""Each is a module of this package with a Typer application of its own."""


class LazyGroup(TyperGroup):
    """Imports a command's module for that command alone: all of them together cost a second."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """Return their names, in the order of the help."""
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import one; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        application: typer.Typer = import_module(f"multi_tenant_db.cli.{cmd_name}").app
        command = get_command(application)
        command.name = cmd_name
        return command
