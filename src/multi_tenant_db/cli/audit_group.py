"""`mtdb audit` with and without the name of a command."""

from typing import Any

from typer.core import TyperGroup

DEFAULT = "show"


class AuditGroup(TyperGroup):
    """Runs `show` where no command is named, so that `mtdb audit TENANT_ID --json` is one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the default command."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)
