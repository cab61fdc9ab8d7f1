"""Commands that are imported when they run."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

COMMANDS = {
    "serve": "Serve the API. Refuses a database that does not isolate tenants; waits for one that is unavailable.",
    "migrate": "Create the database, the roles and the schema, or bring them up to date.",
    "seed": "Add the sample data: HSBC, Barclays and more, with their subsidiaries. Running it again adds nothing.",
    "check": "Run the start-up checks of `mtdb serve`: row level security, grants, functions, roles, schema, server.",
    "audit": "Show the audit trail: who changed what, and when; or purge old events.",
    "token": "Issue, rotate, list, revoke and purge access tokens.",
    "tenant": "List, show, export, import and erase tenants and organisations.",
    "quota": "Limit the number of an organisation's subsidiaries.",
    "organization": "Move an organisation to another server.",
    "table": "Protect a table that exists, while it is used: prepare, backfill, validate, shadow, enforce.",
    "postgres": "PostgreSQL without Docker, for development.",
}
"""Each is a module of this package with its own Typer application, whose help begins with this text."""


class LazyGroup(TyperGroup):
    """Imports a command's module only to run that command: importing all takes a second, and `--help` needs none."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands' names in the order of the help."""
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        """Return a placeholder for help and completion; None for an unknown name."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command to run, with its name and arguments."""
        name, command, arguments = super().resolve_command(ctx, args)
        return name, None if command is None else load_command(str(name)), arguments


def load_command(name: str) -> Any:
    """Import a command."""
    application: typer.Typer = import_module(f"multi_tenant_db.cli.{name}").app
    command = get_command(application)
    command.name = name
    return command
