"""A block of shell commands in a document, with the output that the document shows for it."""

import re
from dataclasses import dataclass

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {"sh", "bash", "shell", "console"}
OUTPUTS = {"json", "http", "text"}
TO_BE_RUN = re.compile(r"\bcurl\b|\bmake -s token\b|\.venv/bin/mtdb\b")
NOT_RUN = "<!-- not run: "
SERVERS = re.compile(r"^<!-- servers: (\d) -->$", re.MULTILINE)


@dataclass(frozen=True)
class ShellBlock:
    """Commands, and the place of their output in the document's text."""

    commands: str
    expected: str
    start: int
    end: int
    """Where `expected` stands; both are the end of the commands where no output is shown."""


def servers_of(document: str) -> int:
    """Return how many servers the document's service has: 1, unless a comment says more."""
    more = SERVERS.search(document)
    return int(more[1]) if more else 1


def shell_blocks(document: str) -> list[ShellBlock]:
    """Return what a reader of the document would run against the service, in order.

    That is every block of commands that calls it, or asks for a token, unless a comment before the block says why not.
    An output block that follows at once, with nothing but blank lines between, is what the commands print.
    """
    fences = list(FENCE.finditer(document))
    blocks = []
    for number, fence in enumerate(fences):
        if fence[1] not in COMMANDS or not TO_BE_RUN.search(fence[2]):
            continue
        if document[: fence.start()].rstrip().rpartition("\n")[2].startswith(NOT_RUN):
            continue
        expected, start, end = "", fence.end(), fence.end()
        following = fences[number + 1] if number + 1 < len(fences) else None
        if following and following[1] in OUTPUTS and not document[fence.end() : following.start()].strip():
            expected, start, end = following[2], following.start(2), following.end(2)
        blocks.append(ShellBlock(fence[2], expected, start, end))
    return blocks
