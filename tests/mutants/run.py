"""Hunt every mutant: `make mutants`. Prints a table, and fails when one survives.

A mutant is killed by a red test. The run of its suites ends at the first one, whose name is printed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.mutants.code_mutants import CODE_MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.schema_mutants import SCHEMA_MUTANTS
from tests.support.sources import ROOT

RED = 1  # pytest's exit code for failed tests
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
PACKAGE = "src/multi_tenant_db"


@contextmanager
def tree_with(mutant: Mutant) -> Iterator[Path]:
    """Give a copy of the project with the mutant's line replaced; a mutant that no longer fits is an error."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        tree.chmod(0o755)
        for name in ("src", "tests", "migrations", "scripts"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("alembic.ini", "pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, tree / name)
        (tree / ".local").symlink_to(ROOT / ".local")
        if mutant.file:
            path = tree / PACKAGE / mutant.file
            source = path.read_text(encoding="utf-8")
            if mutant.old not in source:
                raise ValueError(f"the mutant {mutant.name!r} does not fit {mutant.file} any more: mend it")
            path.write_text(source.replace(mutant.old, mutant.new, 1), encoding="utf-8")
        yield tree


def hunt(mutant: Mutant) -> str | None:
    """Return the test that killed the mutant, None when it survived."""
    with tree_with(mutant) as tree:
        suites = [suite for suite in mutant.suites if (tree / suite).exists()]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *suites]
        environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "MUTANT_SQL": mutant.sql}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in {0, RED}:
        raise RuntimeError(f"the hunt for {mutant.name!r} broke down:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    killer = FAILED.search(done.stdout)
    return killer[1] if done.returncode and killer else None


def main(pattern: str = "") -> None:
    """Hunt all mutants, or those whose name holds the pattern, and print the table."""
    mutants = [mutant for mutant in (*SCHEMA_MUTANTS, *CODE_MUTANTS) if pattern in mutant.name]
    table = Table("mutant", "of", "killed by", title="Deliberate defects")
    survivors = 0
    with Progress(console=Console(stderr=True)) as progress, ThreadPoolExecutor(os.cpu_count()) as pool:
        task = progress.add_task("hunting", total=len(mutants))
        for mutant, killer in zip(mutants, pool.map(hunt, mutants), strict=True):
            survivors += killer is None
            table.add_row(mutant.name, mutant.file or "schema", killer or "[bold red]SURVIVED[/]")
            progress.advance(task)
    console = Console(width=200)
    console.print(table)
    console.print(f"{len(mutants) - survivors} of {len(mutants)} killed")
    if survivors:
        sys.exit(f"error: {survivors} survived: strengthen the suite")


if __name__ == "__main__":
    main(*sys.argv[1:])
