"""How long a token is valid, on the command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST_LIFETIME = timedelta(days=366)

Lifetime = Annotated[str | None, typer.Option(metavar="TIME", help="Time until it expires: 90m, 12h, 30d.")]
Expires = Annotated[
    str | None, typer.Option(metavar="DATE", help="When it expires, in UTC: 2026-12-31 or 2026-12-31T12:00Z.")
]


def parse_lifetime(text: str) -> timedelta:
    """Parse `90m`, `12h` or `30d`; raises typer.BadParameter."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text.strip())
    if match is None:
        raise typer.BadParameter("write minutes, hours or days: 90m, 12h, 30d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def parse_expiry(text: str) -> datetime:
    """Parse a day, which begins at midnight, or a time; in UTC without an offset. Raises typer.BadParameter."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter("write a day or a time: 2026-12-31, 2026-12-31T12:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def choose_lifetime(
    lifetime: str | None, expires: str | None, usual: str, longest: timedelta = LONGEST_LIFETIME
) -> timedelta | datetime:
    """Return how long the token is valid, or until when; raises typer.BadParameter."""
    if lifetime is not None and expires is not None:
        raise typer.BadParameter("use --lifetime or --expires, not both")
    chosen = parse_lifetime(usual if lifetime is None else lifetime) if expires is None else parse_expiry(expires)
    remaining = chosen if isinstance(chosen, timedelta) else chosen - datetime.now(UTC)
    if remaining <= timedelta():
        raise typer.BadParameter("the token would have expired already")
    if remaining > longest:
        limit = f"{longest.days} days" if longest.days else f"{longest.seconds // 3600} hours"
        raise typer.BadParameter(f"the token is valid for at most {limit}")
    return chosen
