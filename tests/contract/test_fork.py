"""A fork that adds a table by the guide's commands passes every check that knows all tables."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.shell_block import FENCE
from tests.support.sources import ROOT, name_of, project_files

pytestmark = pytest.mark.exhaustive

TOOLS = Path(sys.executable).parent
GUIDE = ROOT / "docs" / "how-to" / "add-a-table.md"
DRAW = """
import asyncio
from sqlalchemy import make_url
from multi_tenant_db.development import EmbeddedPostgres
from tests.documents.write import write_files, write_schema

write_files()
with EmbeddedPostgres.temporary() as server:
    asyncio.run(write_schema(make_url(server.url())))
"""
"""What `make docs` does, but for the outputs of commands and the site."""
ISOLATION = """
async def test_assets_are_isolated(assert_isolated):
    await assert_isolated("tenancy.assets", lambda tenant: {"name": f"Asset of {tenant.name}"})
"""
"""The test that the guide asks for."""
KNOW_ALL_TABLES = (
    "tests/documents/test_generated.py",
    "tests/documents/test_schema_diagram.py",
    "tests/documents/test_schema_sql.py",
    "tests/errors",
    "tests/migrations/test_bounds.py::test_every_text_is_bounded",
    "tests/migrations/test_migrations.py::test_the_models_agree_with_the_migrations",
    "tests/migrations/test_migrations.py::test_alembic_check_finds_nothing",
    "tests/migrations/test_migrations.py::test_every_migration_says_what_it_does",
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
    for fence in FENCE.finditer(GUIDE.read_text(encoding="utf-8")):
        if fence[1] == "sh":
            run(folder, "sh", "-e", "-c", fence[2])
    run(folder, TOOLS / "ruff", "check", "--fix", "--quiet", "src", "migrations", "tests/support")
    run(folder, TOOLS / "ruff", "format", "--quiet", "src", "migrations", "tests/support")
    return folder


def run(fork: Path, *command: str | Path) -> None:
    """Run a program in the fork, with the fork's modules; it must succeed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    environment = own | {"PYTHONPATH": f"{fork / 'src'}{os.pathsep}{fork}"}
    done = subprocess.run(command, cwd=fork, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_three_files_change(fork: Path) -> None:
    """Beside new files, the table changes two, and its endpoints the composition root."""
    changed = {name_of(path) for path in project_files() if path.read_bytes() != (fork / name_of(path)).read_bytes()}
    assert {name for name in changed if not name.startswith("docs/")} == {
        "src/multi_tenant_db/main.py",
        "src/multi_tenant_db/schema/schema_revision.py",
        "tests/support/further_tables.py",
    }


def test_it_passes_the_checks(fork: Path) -> None:
    """`make check` finds nothing in the fork's files and in its catalogue, and the layers are kept."""
    run(fork, TOOLS / "ruff", "check", "migrations", "src", "tests/support")
    run(fork, TOOLS / "lint-imports", "--no-cache")
    run(fork, sys.executable, "scripts/lint_catalogue.py")


def test_its_documents_are_made_anew_and_its_tests_pass(fork: Path) -> None:
    """After `make docs`, the tests that know every table, route and error pass, but for those of the API's contract."""
    run(fork, sys.executable, "-c", DRAW)
    assert '"tenancy.assets"' in (fork / "docs" / "reference" / "database.md").read_text(encoding="utf-8")
    assert (fork / "docs" / "collection" / "Endpoints" / "Open Asset.bru").exists()
    run(fork, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *KNOW_ALL_TABLES)


def test_its_table_is_isolated(fork: Path) -> None:
    """The fixtures migrate a database with the fork's table, and every verb of every caller stays within its reach."""
    (fork / "tests" / "test_assets.py").write_text(ISOLATION)
    run(fork, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_assets.py")
