"""The platform operator's own token, which is no argument: other users of the machine can read those."""

import os
import sys

import typer

VARIABLE = "MTDB_TOKEN"


def read_operators_token() -> str:
    """Return the token in the environment, or what is typed unseen in a terminal; raises typer.BadParameter."""
    if token := os.environ.get(VARIABLE):
        return token
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"set {VARIABLE} to the platform operator's token")
    return str(typer.prompt("the platform operator's token", hide_input=True, err=True))
