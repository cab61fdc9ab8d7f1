"""The files that the house rules are about."""

import ast
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def project_files() -> list[Path]:
    """Return every file that is, or would be, under version control; all files where there is no git."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not {".venv", ".local", ".git"} & set(path.parts)]
    return sorted(path for path in paths if path.is_file())


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below these folders of the project."""
    roots = [ROOT / folder for folder in folders]
    return [
        path for path in project_files() if path.suffix == ".py" and any(path.is_relative_to(root) for root in roots)
    ]


def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """Return the path as a reader of the project writes it."""
    return path.relative_to(ROOT).as_posix()


def for_each(paths: list[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Run a test on every one of these files, and say of all that break the rule which they are."""

    def decorate(test: Callable[[Path], None]) -> Callable[[], None]:
        def run() -> None:
            broken = []
            for path in paths:
                try:
                    test(path)
                except AssertionError as error:
                    broken.append(str(error))
            assert paths, "there are no such files"
            assert not broken, "\n".join(broken)

        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        return run

    return decorate
