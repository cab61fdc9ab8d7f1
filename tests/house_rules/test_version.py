"""One version: what is installed, what the changelog tells last, and what the service shows are the same."""

import json
import re
import tomllib

from multi_tenant_db import __version__
from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings
from tests.support.sources import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASE = re.compile(r"^## (?P<version>\d+\.\d+\.\d+) - (?P<day>\d{4}-\d\d-\d\d)$")


def test_the_installed_version_is_that_of_the_project() -> None:
    """What the service tells comes from what was installed: `make environment` installs a new version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert __version__ == project["version"]


def test_the_changelog_tells_this_version_first() -> None:
    """The newest release in the changelog is this one, every release has its day, and the newest stands first."""
    headings = [line for line in CHANGELOG.splitlines() if line.startswith("## ") and line != "## Unreleased"]
    releases = [RELEASE.match(heading) for heading in headings]
    assert all(releases), headings
    days = [release["day"] for release in releases if release]
    assert releases[0]
    assert releases[0]["version"] == __version__
    assert days == sorted(days, reverse=True)


def test_the_openapi_document_names_this_version() -> None:
    """Its own version and that in the example of a healthy answer are this one."""
    document = create_app(Settings(database_url="postgresql://nowhere.invalid/tenancy")).openapi()
    assert document["info"]["version"] == __version__
    assert f'"version": "{__version__}"' in json.dumps(document["paths"]["/health"])
