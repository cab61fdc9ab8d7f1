"""Lint the SQL of all migrations with squawk, as `alembic upgrade head --sql` prints it: no server is needed."""

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
ALEMBICS_OWN = re.compile(r"^CREATE TABLE alembic_version .*?;$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Exit with squawk's code; its findings count lines of the printed SQL."""
    printed = subprocess.run(
        [TOOLS / "alembic", "upgrade", "head", "--sql"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if printed.returncode:
        sys.exit(printed.stderr)
    # Blank lines in place of alembic's own table keep the line numbers.
    ours = ALEMBICS_OWN.sub(lambda found: "\n" * found[0].count("\n"), printed.stdout)
    command = [str(TOOLS / "squawk"), "--stdin-filepath", "migrations.sql"]
    sys.exit(subprocess.run(command, cwd=PROJECT, input=ours, text=True, check=False).returncode)


if __name__ == "__main__":
    main()
