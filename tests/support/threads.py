"""Blocking calls beside each other: asyncio's own threads are too few for a crowd on a small machine."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

CROWD = ThreadPoolExecutor(64)


async def in_thread[**Arguments, Result](
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Call the function in a thread that is free at once."""
    return await asyncio.get_running_loop().run_in_executor(CROWD, lambda: function(*arguments, **named))
