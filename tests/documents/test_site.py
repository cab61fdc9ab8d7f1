"""The site and its front page lead to every page."""

import re
import tomllib

from tests.support.sources import ROOT

DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


def test_the_menu_names_every_page() -> None:
    """Each page is in the menu once, and nothing else is."""
    menu = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    named = re.findall(r"'([^']+\.md)'", str(menu))
    assert sorted(named) == sorted(PAGES)


def test_the_front_page_leads_to_every_page() -> None:
    """A reader of docs/index.md finds every other page from there."""
    links = set(re.findall(r"\]\(([^)]+\.md)\)", (DOCS / "index.md").read_text(encoding="utf-8")))
    assert links == PAGES - {"index.md"}
