"""Progress of a long command."""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SECONDS_BETWEEN_LINES = 15.0

Advance = Callable[[float, str], None]
"""Called after each step with its length, in the unit of the total, and a description."""

Begin = Callable[[float], Advance]
"""Called with the total when the work begins."""


class ProgressDisplay:
    """Context manager that shows its tasks: on a terminal as bars with the remaining time, removed at the end.

    Elsewhere, as in a CI log, it prints a line every SECONDS_BETWEEN_LINES, or nothing with `quiet`.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._prints_lines = not console.is_terminal and not quiet
        self._last_line = monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[name]}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            disable=not console.is_terminal,
            transient=True,
            speed_estimate_period=600,
            get_time=monotonic,
        )

    def __enter__(self) -> Self:
        """Start the display. A disabled one is not started: rich before 14.1 would end it with a blank line."""
        if not self._progress.disable:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the display."""
        if not self._progress.disable:
            self._progress.stop()

    def add_task(self, name: str, total: float) -> Advance:
        """Begin a task; `total` counts steps or seconds."""
        task_id = self._progress.add_task("", total=total, name=name)
        task = next(task for task in self._progress.tasks if task.id == task_id)

        def advance(steps: float, done: str) -> None:
            self._progress.update(task_id, advance=steps, description=done)
            if self._prints_lines and (task.finished or monotonic() >= self._last_line + SECONDS_BETWEEN_LINES):
                self._last_line = monotonic()
                self._console.print(_line(task), markup=False, highlight=False, soft_wrap=True)

        return advance


def _line(task: Task) -> str:
    spent, share = task.elapsed or 0.0, task.percentage / 100
    left = timedelta(seconds=round(spent / share - spent)) if share else "unknown"
    return f"{task.fields['name']}: {share:.0%} in {timedelta(seconds=round(spent))}, left {left}; {task.description}"
