"""The site and its front page lead to every page, and need no network."""

import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.async_api import Request, async_playwright, expect

from multi_tenant_db.development.folders import LOCAL
from tests.support.programs import find_program, needs
from tests.support.sources import ROOT

DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
WITH_DIAGRAMS = [page for page in sorted(PAGES) if "```mermaid" in (DOCS / page).read_text(encoding="utf-8")]
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""Elements whose address a browser loads without being asked."""
ONLY_NAMES = {"canonical", "prev", "next", "alternate"}


class LoadedAddresses(HTMLParser):
    """Collects what a page has a browser load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the address that an element loads."""
        values = dict(attrs)
        address = values.get(LOADS.get(tag, ""))
        if address and values.get("rel") not in ONLY_NAMES:
            self.found.append(address)


@pytest.fixture(scope="module")
def site() -> Path:
    """Build the site as `make docs` does."""
    subprocess.run([sys.executable, ROOT / "scripts" / "build_site.py"], cwd=ROOT, check=True, capture_output=True)
    return LOCAL / "site"


def test_the_menu_names_every_page() -> None:
    """Each page is in the menu once, and nothing else is."""
    menu = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    named = re.findall(r"'([^']+\.md)'", str(menu))
    assert sorted(named) == sorted(PAGES)


def test_the_front_page_leads_to_every_page() -> None:
    """A reader of docs/index.md finds every other page from there."""
    links = set(re.findall(r"\]\(([^)]+\.md)\)", (DOCS / "index.md").read_text(encoding="utf-8")))
    assert links == PAGES - {"index.md"}


def test_every_page_is_of_one_kind() -> None:
    """A page is the front page, the tutorial, or in the folder of its kind."""
    kinds = {page.partition("/")[0] for page in PAGES}
    assert kinds == {"index.md", "tutorial.md", "how-to", "reference", "explanation", "reports"}


@pytest.mark.exhaustive
def test_pages_load_files_of_the_site_alone(site: Path) -> None:
    """No script, style sheet, font or image comes from another host, and each is there."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        loaded = LoadedAddresses(page.read_text(encoding="utf-8")).found
        assert loaded
        missing = [
            address
            for address in loaded
            if not (site / address[1:] if address.startswith("/") else page.parent / address.partition("?")[0]).exists()
        ]
        assert not missing, f"{page.relative_to(site)} loads {missing}"


def test_style_sheets_load_files_of_the_site_alone(site: Path) -> None:
    """No style sheet imports another host's, or its fonts."""
    sheets = sorted(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        foreign = re.findall(r"(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]+)", sheet.read_text(encoding="utf-8"))
        assert not foreign, f"{sheet.relative_to(site)} loads {foreign}"


def test_a_foreign_address_is_noticed() -> None:
    """The rule itself reads scripts, style sheets and images, and no link that a reader may follow."""
    page = '<script src="https://a/x.js"></script><link rel="stylesheet" href="//b/y.css"><a href="https://c">c</a>'
    assert LoadedAddresses(page).found == ["https://a/x.js", "//b/y.css"]


@pytest.mark.exhaustive
@needs("chromium")
async def test_diagrams_and_search_need_no_network(site: Path, tmp_path: Path) -> None:
    """Chromium draws every diagram of every page and searches the pages, and asks for nothing but files."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=find_program("chromium"), args=["--no-sandbox", "--disable-gpu"], offline=True
        ) as context,
    ):
        browser_page = await context.new_page()
        browser_page.on("request", note)
        for page in WITH_DIAGRAMS:
            await browser_page.goto((site / page).with_suffix(".html").as_uri())
            diagrams = (DOCS / page).read_text(encoding="utf-8").count("```mermaid")
            # Each block becomes an element whose shadow holds the picture; one that is not drawn stays a block.
            await browser_page.wait_for_function(
                "count => document.querySelectorAll('div.mermaid').length === count", arg=diagrams, timeout=20_000
            )
            heights = await browser_page.eval_on_selector_all(
                "div.mermaid", "all => all.map(each => each.offsetHeight)"
            )
            assert min(heights) > 100, page
        await browser_page.keyboard.press("Control+k")
        await browser_page.keyboard.type("idempotency")
        await expect(browser_page.get_by_text(re.compile(r"^\d+ results"))).to_be_visible()
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert len(WITH_DIAGRAMS) >= 4
