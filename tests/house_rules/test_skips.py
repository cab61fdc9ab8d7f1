"""A run reports its skips in one line, and continuous integration allows none."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs import PACKAGES, missing_packages, needs
from tests.support.skipped_tests import ACCEPTED
from tests.support.sources import ROOT

pytestmark = pytest.mark.exhaustive

SUITE = """
import pytest


@pytest.mark.skip(reason="needs promtool")
def test_a():
    pass


@pytest.mark.skip(reason="needs chromium")
@pytest.mark.parametrize("case", [1, 2])
def test_b(case):
    pass


@pytest.mark.xfail(reason="a known defect", strict=True)
def test_known():
    assert False


def test_c():
    pass
"""
LINE = (
    "Left out: 3 tests that need chromium, promtool "
    "(Debian: sudo apt-get install --no-install-recommends chromium prometheus); "
    "1 test (expected to fail: a known defect)"
)


def run_suite(folder: Path, suite: str, *options: str) -> tuple[int, str]:
    """Run a small suite with the summary, and return the exit code and what was printed."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_suite.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.support.skipped_tests"]
    environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, f"--rootdir={folder}", *options, "test_suite.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "2")])
def test_a_run_says_in_one_line_what_it_left_out(tmp_path: Path, options: tuple[str, ...]) -> None:
    """The line names the missing programs and the command that installs them, and the run passes."""
    code, said = run_suite(tmp_path, SUITE, *options)
    assert (code, said.splitlines().count(LINE)) == (0, 1), said


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "2")])
def test_a_skip_can_fail_the_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    """With `--no-skips` a skip fails the run, in one process and in several."""
    code, said = run_suite(tmp_path, SUITE, "--no-skips", *options)
    assert (code, LINE in said) == (1, True), said


KINDS = {
    "a file": 'import pytest\n\npytest.skip("a reason", allow_module_level=True)\n',
    "an import": 'import pytest\n\npytest.importorskip("no_such_module", reason="a reason")\n',
    "an exception": 'import unittest\n\n\ndef test_a():\n    raise unittest.SkipTest("a reason")\n',
    "a fixture": (
        "import pytest\n\n\n@pytest.fixture\ndef it():\n    pytest.skip('a reason')\n\n\ndef test_a(it):\n    pass\n"
    ),
    "a call": 'import pytest\n\n\ndef test_a():\n    pytest.skip("a reason")\n',
    "an expected failure": (
        'import pytest\n\n\n@pytest.mark.xfail(reason="a reason", strict=False)\ndef test_a():\n    assert False\n'
    ),
    "an unexpected success": (
        'import pytest\n\n\n@pytest.mark.xfail(reason="a reason", strict=False)\ndef test_a():\n    pass\n'
    ),
    "a call to fail": 'import pytest\n\n\ndef test_a():\n    pytest.xfail("a reason")\n',
    "no case": ('import pytest\n\n\n@pytest.mark.parametrize("a_reason", [])\ndef test_a(a_reason):\n    pass\n'),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "2")], ids=["one process", "several"])
def test_every_kind_of_skip_fails_the_run(tmp_path: Path, kind: str, options: tuple[str, ...]) -> None:
    """Whatever leaves a test out, and in however many processes the tests run."""
    code, said = run_suite(tmp_path, f"{KINDS[kind]}\n\ndef test_other():\n    pass\n", "--no-skips", *options)
    assert code == 1, said
    assert any(line.startswith("Left out: 1 test (") and re.search("a.reason", line) for line in said.splitlines()), (
        said
    )


def test_what_is_accepted_passes(tmp_path: Path) -> None:
    """A skip that stands in the list with its reason does not fail the run, and is told nevertheless."""
    name = next(iter(ACCEPTED))
    suite = f'import pytest\n\n\n@pytest.mark.skip(reason="{name}: no")\ndef test_a():\n    pass\n'
    code, said = run_suite(tmp_path, suite, "--no-skips")
    assert (code, f"Left out: 1 test ({name}: no)" in said) == (0, True), said


def test_missing_programs_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with none of them, every package is wanted and every such test skipped."""
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: None)
    assert missing_packages() == sorted(set(PACKAGES.values()))
    assert [needs(name).args for name in PACKAGES] == [(True,)] * len(PACKAGES)


def test_continuous_integration_lets_nothing_be_skipped() -> None:
    """What the project's CI and GitHub's run installs the programs, and refuses skips."""
    for name in (".ci/run", ".github/workflows/ci.yml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert ".ci/install" in text, name
        assert "make test NO_SKIPS=1" in text, name
