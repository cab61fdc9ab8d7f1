"""Tables and sections of a report."""

import re
from collections.abc import Sequence


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines)


def fill_section(text: str, name: str, content: str) -> str:
    """Return the text with new content between the markers of this name; raises ValueError without the markers."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    filled, times = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n{content}\n{end}",
        text,
        flags=re.DOTALL,
    )
    if times != 1:
        raise ValueError(f"the document needs {begin} and {end} once")
    return filled
