"""The programs that some tests need besides Python: where they are, and which package of Debian and Ubuntu has them.

`python -m tests.support.programs` prints the packages that are missing here.
"""

import os
import shutil
import sys

import pytest

PACKAGES = {
    "chromium": "chromium",
    "openssl": "openssl",
    "pgbouncer": "pgbouncer",
    "prometheus": "prometheus",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
    "promtool": "prometheus",
}
OTHER_NAMES = {
    "chromium": ("chromium-browser", "google-chrome"),
    "prometheus-postgres-exporter": ("postgres_exporter",),
}
NEEDS = "needs "


def find_program(name: str) -> str | None:
    """Return the path of a program, also from where Debian puts daemons, or None."""
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"
    found = (shutil.which(known_as, path=path) for known_as in (name, *OTHER_NAMES.get(name, ())))
    return next(filter(None, found), None)


def needs(name: str) -> pytest.MarkDecorator:
    """Skip a test where the program is missing; the summary of the run says how to get it."""
    assert name in PACKAGES, f"which package has {name}?"
    return pytest.mark.skipif(find_program(name) is None, reason=f"{NEEDS}{name}")


def missing_packages() -> list[str]:
    """Return the packages that would bring what is missing here."""
    return sorted({package for program, package in PACKAGES.items() if find_program(program) is None})


if __name__ == "__main__":
    sys.stdout.write(" ".join(missing_packages()))
