"""What one test did in the long profile, and the table that such rows make."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tests.support.markdown_table import table, table_row

HEAD = ("Run", "What it did", "Result", "On", "Test")
TOLD_BY = re.compile(r"`(tests/[^`]+)` \|$", re.MULTILINE)


@dataclass(frozen=True)
class LongRow:
    """A run, its figures, how it ended, and who tells so."""

    what: str
    figures: str
    result: str
    server: str
    test: str

    @classmethod
    def without_figures(cls, test: str, result: str, server: str, why: str = "") -> Self:
        """Say of a test that told nothing how it ended, and why; the run bears its function's name."""
        name = test.partition("::")[2].partition("[")[0].removeprefix("test_").replace("_", " ")
        return cls(name, why, result, server, test)

    def __str__(self) -> str:
        return table_row((self.what, self.figures, self.result, self.server, f"`{self.test}`"))


def with_rows(section: str, rows: Sequence[LongRow]) -> str:
    """Return the table with these rows in place of all that the same tests told before; other tests' rows stay."""
    told_anew = {row.test for row in rows}
    kept = [line for line in section.splitlines() if (teller := _teller(line)) and teller not in told_anew]
    return "\n".join([table(HEAD, []), *sorted([*kept, *map(str, rows)], key=lambda line: _teller(line) or "")])


def _teller(line: str) -> str | None:
    found = TOLD_BY.search(line)
    return found[1] if found else None
