"""Waiting, but not for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 20) -> None:
    """Return as soon as the condition holds; fails with what was waited for."""
    deadline = monotonic() + seconds
    while True:
        if await condition():
            return
        assert monotonic() < deadline, f"waited {seconds} seconds in vain until {what}"
        await asyncio.sleep(0.02)
