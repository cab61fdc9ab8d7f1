"""The account that runs the server."""

import os
import pwd
from pathlib import Path

import pytest

from multi_tenant_db.development import EmbeddedPostgresError
from multi_tenant_db.development.server_account import ServerAccount

NOBODY = pwd.getpwnam("nobody")


@pytest.mark.parametrize(("known", "chosen"), [({"postgres", "nobody"}, "postgres"), ({"nobody"}, "nobody")])
def test_root_hands_over_to_an_account_without_rights(
    known: set[str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For root it is `postgres`, or `nobody` on a machine without that user."""

    def getpwnam(name: str) -> pwd.struct_passwd:
        if name not in known:
            raise KeyError(name)
        return NOBODY

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", getpwnam)
    account = ServerAccount.choose()
    assert (account.name, account.user_id) == (chosen, NOBODY.pw_uid)


def test_root_alone_on_the_machine_is_told_to_be_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither account exists the message says so."""

    def getpwnam(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", getpwnam)
    with pytest.raises(EmbeddedPostgresError, match="run as a user"):
        ServerAccount.choose()


def test_anybody_else_runs_it_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain user's server runs as that user."""
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert ServerAccount.choose().user_id == 1234


def test_the_server_gets_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment only PATH is passed on."""
    monkeypatch.setenv("MTDB_API_PASSWORD", "secret")
    assert "secret" not in ServerAccount.choose().run("/usr/bin/env").stdout


def test_it_is_never_root() -> None:
    """Whoever runs the tests, the programs of PostgreSQL do not run with root's rights."""
    assert ServerAccount.choose().run("/usr/bin/id", "-u").stdout.strip() != "0"


def test_a_folder_that_is_not_there_cannot_be_entered(tmp_path: Path) -> None:
    """The answer is found by trying."""
    assert not ServerAccount.choose().can_enter(tmp_path / "absent")
    assert ServerAccount.choose().can_enter(Path("/"))
