"""The embedded PostgreSQL of an installed package, which has no checkout around it."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from multi_tenant_db.cli import postgres
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import folders
from tests.support.sources import ROOT


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder that the account which runs the server may enter; as root, tmp_path lies below a closed one."""
    with tempfile.TemporaryDirectory(prefix="multi-tenant-db-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [({"XDG_DATA_HOME": "/dev/null"}, "set XDG_DATA_HOME"), ({"PATH": "/nowhere"}, "npm is missing")],
    ids=["a folder", "npm"],
)
def test_an_installed_package_says_what_it_lacks(variables: dict[str, str], complaint: str, place: Path) -> None:
    """Outside a checkout, as in the image, what is not there is one line, and nothing is written beside the package."""
    installed = place / "lib" / "python3.13" / "site-packages"
    shutil.copytree(ROOT / "src", installed)
    program = "import sys; sys.argv[1:] = ['postgres', 'start']; from multi_tenant_db.cli.main import main; main()"
    environment = {
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_DATA_HOME": str(place / "data"),
    }
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=environment | variables,
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == ExitCode.FAILED
    complaints = [line for line in ended.stderr.splitlines() if "downloading" not in line]
    assert len(complaints) == 1, ended.stderr
    assert complaints[0].startswith("mtdb: ")
    assert complaint in complaints[0]
    assert [path.name for path in installed.parent.iterdir()] == ["site-packages"]


def test_a_folder_that_cannot_be_made_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the operating system refuses ends in one line, as where the checkout is mounted read-only."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(folders, "LOCAL", tmp_path / "file")
    ended = CliRunner().invoke(postgres.app, ["start"])

    assert (ended.exit_code, ended.stdout) == (ExitCode.FAILED, "")
    assert len(ended.stderr.splitlines()) == 1
    assert str(tmp_path / "file") in ended.stderr
