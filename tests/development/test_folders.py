"""Where the embedded server lives, also when root's checkout is closed to the account that runs it."""

from pathlib import Path

import pytest

from multi_tenant_db.development import EmbeddedPostgresError, folders
from multi_tenant_db.development.server_account import ServerAccount


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test a project and an outside of its own."""
    monkeypatch.setattr(folders, "LOCAL", tmp_path / "project")
    monkeypatch.setattr(folders, "OUTSIDE", tmp_path / "outside")
    (tmp_path / "outside").mkdir()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close the project to the server's account."""
    monkeypatch.setattr(ServerAccount, "can_enter", lambda *_: False)


def home() -> Path:
    """Ask for the place."""
    return folders.postgres_home(ServerAccount.choose())


def test_it_lives_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the account can enter the project, nothing is made anywhere else."""
    monkeypatch.setattr(ServerAccount, "can_enter", lambda *_: True)
    assert home() == tmp_path / "project" / "postgres"
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.usefixtures("closed")
def test_it_moves_out_of_a_closed_project(tmp_path: Path) -> None:
    """Otherwise it lives outside, always in the same place, which others may enter but not change."""
    assert home().parent == tmp_path / "outside"
    assert home() == home()
    assert oct(home().stat().st_mode & 0o777) == "0o755"


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("trap", ["link", "writable"])
def test_a_place_prepared_by_somebody_else_is_refused(trap: str, tmp_path: Path) -> None:
    """A link, or a folder that others may write, is not trusted with binaries and data."""
    place = home()
    if trap == "link":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="not a private folder"):
        home()
