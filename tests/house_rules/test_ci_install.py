"""`.ci/install` asks apt for what is missing, as root and without a question, and says clearly when that fails."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.sources import ROOT

TOOLS = ("bash", "cat", "dirname", "env", "id", "make", "mktemp", "python3", "rm", "sh", "tail")
APT = """#!/bin/sh
echo "$DEBIAN_FRONTEND $@" >> "{asked}"
cat
echo "E: the mirror is away"
exit {code}
"""
SUDO = '#!/bin/sh\n[ "$1" = --non-interactive ] || exit 1\nshift\nexec "$@"\n'


def install(folder: Path, *, apt_fails: bool) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run it on a machine that has no Chromium, with an apt of our own; give what that was asked for."""
    asked = folder / "asked"
    asked.touch()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    for name, text in (("apt-get", APT.format(asked=asked, code=int(apt_fails))), ("sudo", SUDO)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / ".ci" / "install"],
        env=os.environ | {"PATH": str(folder)},
        input="yes\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done, asked.read_text().splitlines()


def test_what_is_missing_is_installed(tmp_path: Path) -> None:
    """The lists of packages are updated once, and apt asks no question."""
    done, asked = install(tmp_path, apt_fails=False)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in asked] == ["noninteractive", "noninteractive"]
    assert asked[0].endswith(" update")
    assert " install --no-install-recommends chromium" in asked[1]


def test_a_failing_apt_is_told(tmp_path: Path) -> None:
    """The message has apt's output, the packages and the consequence."""
    done, asked = install(tmp_path, apt_fails=True)
    assert done.returncode == 1
    assert len(asked) == 1
    assert "E: the mirror is away" in done.stderr
    assert "error: apt-get could not install chromium" in done.stderr
    assert "yes" not in done.stderr
