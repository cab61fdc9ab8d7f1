"""Durations on the command line."""

import re
from datetime import timedelta

import typer

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST_LIFETIME = timedelta(days=366)


def parse_lifetime(text: str) -> timedelta:
    """Parse `90m`, `12h` or `30d`; raises typer.BadParameter."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text.strip())
    if match is None:
        raise typer.BadParameter("write minutes, hours or days: 90m, 12h, 30d")
    lifetime = timedelta(**{UNITS[match[2]]: int(match[1])})
    if lifetime > LONGEST_LIFETIME:
        raise typer.BadParameter("a token is valid for at most 366 days")
    return lifetime
