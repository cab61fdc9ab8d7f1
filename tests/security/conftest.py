"""How hard the attacks try, and the real service that those over HTTP go to."""

import os
from collections.abc import Callable, Iterator
from typing import Literal, cast

import pytest

from tests.support.extent import EXHAUSTIVE
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase
from tests.support.wire import Wire

AttackProfile = Literal["part", "short", "long"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--attack-profile` where tests/security is named on the command line; MTDB_ATTACK_PROFILE works anywhere."""
    parser.addoption(
        "--attack-profile", choices=["part", "short", "long"], default=None, help="How hard the attacks try."
    )


@pytest.fixture(scope="session")
def attack_profile(request: pytest.FixtureRequest) -> AttackProfile:
    """Say how hard the attacks try."""
    asked = request.config.getoption("--attack-profile", default=None) or os.environ.get("MTDB_ATTACK_PROFILE")
    if asked not in {"part", "short", "long"}:
        return "short" if EXHAUSTIVE else "part"
    return cast("AttackProfile", asked)


@pytest.fixture(scope="session")
def announce(request: pytest.FixtureRequest, attack_profile: AttackProfile) -> Callable[[str], None]:
    """Tell figures and progress: at once in the long profile, in the test's captured output otherwise."""
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    if attack_profile != "long" or terminal is None:
        return print

    def write(line: str) -> None:
        terminal.ensure_newline()
        terminal.write_line(f"  {line}")

    return write


@pytest.fixture(scope="session")
def service(database: TestDatabase) -> Iterator[ServedProcess]:
    """Run the real service, which logs every request."""
    with served(database, log_level="info") as service:
        yield service


@pytest.fixture
def wire(service: ServedProcess) -> Iterator[Wire]:
    """Connect to the real service."""
    with Wire(service.port) as wire:
        yield wire
