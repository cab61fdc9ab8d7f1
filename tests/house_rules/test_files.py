"""Rules for files: short, one class each, named after it, without addresses of one machine."""

import ast
import re
from pathlib import Path

from tests.support.sources import ROOT, for_each, name_of, parse, project_files, python_files

LONGEST_FILE = 300
GENERATED = {"docs/schema.sql"}
SOURCES = python_files("src", "tests", "migrations", "scripts", "benchmarks", "examples")

# Spelt in pieces, so that this file does not break its own rule.
REGISTRIES = "|".join(
    ("py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.(?:org|com)", "deb" + r"\.debian\.org")
)


@for_each([p for p in project_files() if p.suffix in {".py", ".sql", ".sh"} and name_of(p) not in GENERATED])
def test_a_file_is_short(path: Path) -> None:
    """A source file has at most 300 lines."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{name_of(path)} has {lines} lines: split it along its responsibilities"


@for_each(SOURCES)
def test_a_file_holds_one_class_named_like_it(path: Path) -> None:
    """A file holds at most one class, and a class's file has the class's name in snake case."""
    classes = [node.name for node in parse(path).body if isinstance(node, ast.ClassDef)]
    assert len(classes) <= 1, f"{name_of(path)} holds {classes}: give each class a file of its own"
    if classes and path.is_relative_to(ROOT / "src"):
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", classes[0]).lower()
        functions = [node for node in parse(path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert path.stem == snake or functions, f"{name_of(path)} holds {classes[0]}: name the file {snake}.py"


@for_each(project_files())
def test_a_file_names_no_package_registry(path: Path) -> None:
    """No file holds the address of a package registry, so the project works behind any mirror."""
    text = path.read_bytes().decode("utf-8", errors="ignore")
    found = [match[0] for match in re.finditer(REGISTRIES, text)]
    assert not found, f"{name_of(path)} names {found}: a mirror belongs in the reader's own settings"


@for_each(python_files("tests"))
def test_a_test_says_what_it_shows(path: Path) -> None:
    """Every test has a docstring of one sentence."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            docstring = ast.get_docstring(node) or ""
            assert docstring.endswith("."), f"{name_of(path)}, {node.name}: say in one sentence what it shows"
