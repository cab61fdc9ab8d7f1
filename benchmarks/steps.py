"""How far a measure has come, shown by rich."""

from collections.abc import Callable

from rich.progress import Progress

Advance = Callable[[float, str], None]
"""Called after each step with its length, in the unit of the total, and with what was done."""

Begin = Callable[[float], Advance]
"""Called with the total when the work begins."""


def begin(progress: Progress, measure: str, total: float) -> Advance:
    """Add a bar for a measure of so many steps."""
    task = progress.add_task(measure, total=total)
    return lambda steps, done: progress.update(task, advance=steps, description=f"{measure}: {done}")
