"""The report's table."""

from collections.abc import Sequence

from benchmarks.partitions.answer import Answer


def rows(answers: Sequence[Answer]) -> list[list[str]]:
    """Return a table with a row for each statement and a group of columns for each number of partitions."""
    sizes = list(dict.fromkeys(answer.partitions for answer in answers))
    names = ("scanned", "buffers", "planning ms", "prepared ms")
    head = ["caller", "statement", *(f"{_size(size)}: {name}" for size in sizes for name in names)]
    found = {(answer.caller, answer.what, answer.partitions): answer for answer in answers}
    table = [head]
    for caller, what in dict.fromkeys((answer.caller, answer.what) for answer in answers):
        row = [caller, what]
        for size in sizes:
            answer = found[caller, what, size]
            row += [f"{answer.executed}", f"{answer.buffers}", f"{answer.planning:.2f}", f"{answer.prepared:.2f}"]
        table.append(row)
    return table


def _size(partitions: int) -> str:
    return f"{partitions}" if partitions else "not partitioned"
