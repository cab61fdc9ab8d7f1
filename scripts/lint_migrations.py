"""Lints the SQL of all migrations with squawk, as printed by `alembic upgrade head --sql`; needs no server."""

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
VERSION_TABLE = re.compile(r"^CREATE TABLE alembic_version .*?;$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Exit with squawk's code; its line numbers are those of the printed SQL."""
    printed = subprocess.run(
        [TOOLS / "alembic", "upgrade", "head", "--sql"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if printed.returncode:
        sys.exit(printed.stderr)
    # Blank lines in place of Alembic's own table keep the line numbers.
    sql = VERSION_TABLE.sub(lambda found: "\n" * found[0].count("\n"), printed.stdout)
    command = [str(TOOLS / "squawk"), "--stdin-filepath", "migrations.sql"]
    sys.exit(subprocess.run(command, cwd=PROJECT, input=sql, text=True, check=False).returncode)


if __name__ == "__main__":
    main()
