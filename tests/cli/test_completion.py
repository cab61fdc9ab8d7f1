"""Shell completion: `mtdb --install-completion` makes the shell ask the program, which knows its commands."""

import pytest

from tests.support.mtdb import mtdb


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("mtdb mi", {"migrate"}),
        ("mtdb token ", {"issue", "list", "revoke"}),
        ("mtdb token issue --life", {"--lifetime"}),
    ],
)
async def test_the_shell_is_told_what_fits(typed: str, offered: set[str]) -> None:
    """Bash gets the commands and options that continue what was typed, without any setting or database."""
    asked = {
        "_MTDB_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    outcome = await mtdb(env=asked)
    assert (outcome.exit_code, set(outcome.stdout.split())) == (0, offered)
