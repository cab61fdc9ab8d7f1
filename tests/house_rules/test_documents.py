"""Rules for the documents, docstrings and comments: what they name exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from multi_tenant_db.settings import Settings
from tests.support.marked_section import read_section
from tests.support.prose import prose_of
from tests.support.sources import ROOT, for_each, name_of, parse, project_files, python_files

WITH_PROSE = [path for path in project_files() if prose_of(path)]
DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]
NAMED_PATH = re.compile(
    r"(?<![\w/.:-])((?:src|tests|migrations|scripts|docs|examples|benchmarks|\.ci|\.github)/(?:[\w./-]*[\w/])?)"
)
NAMED_FILE = re.compile(r"(?<![\w/.<>{}*$-])((?:\.?[\w-][\w.-]*/)*[\w-]+\.(?:md|py|sql|yml|toml|lock|sh|mako))\b(?!/)")
MADE_LOCALLY = {"uv.lock"}
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)")
AUDIT = ROOT / "docs" / "reports" / "security-audit.md"
LEAST_ATTACKS = 60
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")


@for_each(DOCUMENTS)
def test_every_link_in_a_document_leads_somewhere(path: Path) -> None:
    """A link to another file of the project has a target."""
    missing = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()]
    assert not missing, f"{name_of(path)} links to what does not exist: {missing}"


@for_each(WITH_PROSE)
def test_every_named_file_exists(path: Path) -> None:
    """A path or the name of a file in a document, a docstring or a comment is that of a file of the project."""
    missing = missing_files(prose_of(path))
    assert not missing, f"{name_of(path)} names what does not exist: {missing}"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("as DESIGN.md says", ["DESIGN.md"]),
        ("`docs/nowhere.md`, and tests/conftest.py", ["docs/nowhere.md"]),
        ("the folder src/nothing/ holds it", ["src/nothing/"]),
        ("judge.py, README.md, src/multi_tenant_db/ and uv.lock", []),
    ],
)
def test_a_file_that_is_not_there_is_found_out(text: str, missing: list[str]) -> None:
    """The rule itself reads names with and without a folder, in backticks or not."""
    assert missing_files(text) == missing


def missing_files(text: str) -> list[str]:
    """Return the files and folders that a text names and the project lacks."""
    paths = {name for name in NAMED_PATH.findall(text) if not (ROOT / name).exists()}
    names = {name for name in NAMED_FILE.findall(text) if not _is_a_file_of_ours(name)} - MADE_LOCALLY
    return sorted(paths | names)


@cache
def _is_a_file_of_ours(name: str) -> bool:
    """Tell whether a file of the project has this name, or its path ends so."""
    return any(f"/{name_of(path)}".endswith(f"/{name}") for path in project_files())


@for_each(DOCUMENTS)
def test_every_make_target_in_a_document_exists(path: Path) -> None:
    """A `make` target that a document names is in the Makefile."""
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z][\w-]*)", path.read_text(encoding="utf-8")))
    assert named <= targets, f"{name_of(path)} names make targets that do not exist: {sorted(named - targets)}"


@for_each(DOCUMENTS)
def test_every_test_in_a_document_exists(path: Path) -> None:
    """A test that a document names exists."""
    named = set(NAMED_TEST.findall(path.read_text(encoding="utf-8")))
    missing = sorted(f"{file}::{test}" for file, test in named if test not in _tests_of(ROOT / file))
    assert not missing, (
        f"{name_of(path)} names tests that do not exist: {missing}; run `make attack` and `make mutants`"
    )


def test_the_audit_tells_every_attack() -> None:
    """Every test that is marked as an attack stands in the audit's table, and there are at least sixty of them."""
    told = read_section(AUDIT, "attacks")
    marked = [
        f"`{name_of(path)}::{test}`"
        for path in python_files("tests/security")
        for test, decorators in _tests_of(path).items()
        if decorators & {"refused", "sees_nothing", "residual"}
    ]
    missing = [test for test in marked if test not in told]
    assert not missing, f"docs/reports/security-audit.md lacks {missing}: run `make attack`"
    assert len(marked) >= LEAST_ATTACKS


@cache
def _tests_of(path: Path) -> dict[str, set[str]]:
    """Return the tests of a file with the names of the functions that decorate them."""
    return {
        node.name: {name.id for call in node.decorator_list for name in ast.walk(call) if isinstance(name, ast.Name)}
        for node in (parse(path).body if path.exists() else [])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_setting_is_in_the_configuration_guide() -> None:
    """The configuration guide names each setting with its default."""
    guide = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        row = next((line for line in guide.splitlines() if f"`MTDB_{name.upper()}`" in line), None)
        assert row is not None, f"docs/reference/configuration.md lacks MTDB_{name.upper()}"
        if field.default not in (None, ..., "", ()) and not field.is_required():
            assert f"`{field.default}`" in row, (
                f"docs/reference/configuration.md: MTDB_{name.upper()} defaults to {field.default}"
            )
