"""A fork that adds a table by the guide's commands passes every check that knows all tables."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.shell_block import FENCE
from tests.support.sources import ROOT, name_of, project_files

GUIDE = ROOT / "docs" / "how-to" / "add-a-table.md"
DRAW = """
import asyncio
from sqlalchemy import make_url
from multi_tenant_db.development import EmbeddedPostgres
from tests.documents.generated import generated_files
from tests.documents.write import write_diagram

generated_files()
with EmbeddedPostgres.temporary() as server:
    asyncio.run(write_diagram(make_url(server.url())))
"""
"""What `make docs` does, but for the outputs of commands and the site."""
KNOW_ALL_TABLES = (
    "tests/documents/test_schema_diagram.py",
    "tests/migrations/test_bounds.py::test_every_text_is_bounded",
    "tests/migrations/test_migrations.py::test_the_models_agree_with_the_migrations",
    "tests/migrations/test_migrations.py::test_alembic_check_is_content",
    "tests/security/test_grants.py",
)


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project, and run the guide's commands there."""
    folder = tmp_path_factory.mktemp("fork")
    for path in project_files():
        copy = folder / name_of(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    text = GUIDE.read_text(encoding="utf-8")
    (commands,) = [fence[2] for fence in FENCE.finditer(text) if fence[1] == "sh"]
    run(folder, "sh", "-e", "-c", commands)
    return folder


def run(fork: Path, *command: str) -> None:
    """Run a program in the fork, with the fork's modules; it must succeed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    environment = own | {"PYTHONPATH": f"{fork / 'src'}{os.pathsep}{fork}"}
    done = subprocess.run(command, cwd=fork, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_documents_are_made_anew_and_its_tests_pass(fork: Path) -> None:
    """After `make docs`, the tests of grants, models, bounds and diagram know the table."""
    run(fork, sys.executable, "-c", DRAW)
    assert '"tenancy.assets"' in (fork / "docs" / "reference" / "database.md").read_text(encoding="utf-8")
    run(fork, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *KNOW_ALL_TABLES)


def test_it_passes_the_lint(fork: Path) -> None:
    """`make check` finds nothing in the fork's files and in its catalogue."""
    tools = Path(sys.executable).parent
    run(fork, str(tools / "ruff"), "check", "migrations", "src", "tests/support")
    run(fork, str(tools / "ruff"), "format", "--check", "migrations", "src", "tests/support")
    run(fork, sys.executable, "scripts/lint_catalogue.py")
