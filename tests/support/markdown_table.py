"""Tables as reports write them."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(table_row(cells) for cells in (head, ("---",) * len(head), *rows))


def table_row(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cell.replace('|', '\\|') for cell in cells)} |"
