"""Shell completion: `mtdb --install-completion` makes the shell ask the program, which knows its commands."""

from pathlib import Path

from tests.support.mtdb import mtdb_process


async def test_the_shell_is_told_what_fits(tmp_path: Path) -> None:
    """Bash gets what continues the words that were typed, without any setting or database."""
    asked = {"_MTDB_COMPLETE": "complete_bash", "COMP_WORDS": "mtdb token ", "COMP_CWORD": "2"}
    outcome = await mtdb_process(env=asked, cwd=tmp_path)
    assert (outcome.exit_code, set(outcome.stdout.split())) == (0, {"issue", "list", "purge", "revoke", "rotate"})
