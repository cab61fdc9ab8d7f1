"""Tables for terminals; scripts read JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from multi_tenant_db.observability.printable import printable


def print_table(columns: Mapping[str, int | None], rows: Iterable[Sequence[str | tuple[str, ...]]]) -> None:
    """Print rows under the columns; fits lines of 80 characters.

    A column with a width keeps it, the others share the rest. A cell of several texts has a line for each.
    """
    table = Table(box=None, pad_edge=False)
    for name, width in columns.items():
        table.add_column(name, width=width, overflow="fold")
    for row in rows:
        table.add_row(*("\n".join(map(printable, (cell,) if isinstance(cell, str) else cell)) for cell in row))
    Console(soft_wrap=True, markup=False, emoji=False, highlight=False).print(table)


def minute(moment: datetime) -> str:
    """Format a timestamp in UTC, to the minute: sixteen characters."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
