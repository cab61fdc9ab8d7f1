"""Shows on a terminal how far a long command is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from multi_tenant_db.observability.printable import printable


@contextmanager
def transfer_progress(unit: str) -> Iterator[Callable[[str, int], None]]:
    """Give a function that is told what is being done, and how much is done. Scripts see nothing of it."""
    console = Console(stderr=True)
    what_is_done = TextColumn("{task.description}", markup=False)
    columns = (what_is_done, TextColumn("{task.completed:,} " + unit), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done: progress.update(task, description=printable(what), completed=done)
