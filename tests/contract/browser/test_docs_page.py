"""`/docs` as a newcomer uses it: authorise, list, create, and meet a conflict, in Chromium, without internet."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from sqlalchemy import URL

from tests.support.programs import find_program, needs
from tests.support.seeded_service import SeededService, seeded_service
from tests.support.sources import ROOT

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
IMAGES = ROOT / "docs" / "images"
KEEP_IMAGES = "WRITE_SCREENSHOTS" in os.environ
"""`WRITE_SCREENSHOTS=1 make test ARGS=tests/contract/browser` writes them. Pixels are not compared: fonts differ."""

pytestmark = needs("chromium")


@pytest.fixture(scope="module")
async def story(server_url: URL) -> AsyncIterator[SeededService]:
    """Give a seeded, running service."""
    async with seeded_service(server_url) as story:
        yield story


@pytest.fixture
async def page(story: SeededService, tmp_path: Path) -> AsyncIterator[Page]:
    """Open the page in a browser of its own, which reaches no other host."""
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=find_program("chromium"), args=QUIET, viewport={"width": 1100, "height": 760}
        ) as context,
    ):
        page = await context.new_page()
        page.set_default_timeout(20_000)
        await page.goto(f"{story.url}/docs")
        yield page


async def keep_image(page: Page, name: str) -> None:
    """Write a screenshot for the README, when asked to."""
    if KEEP_IMAGES:
        await page.screenshot(path=IMAGES / f"{name}.png")


async def authorize(page: Page, token: str, name: str | None = None) -> None:
    """Do what the introduction says."""
    await page.get_by_role("button", name="Authorize").first.click()
    await page.locator(".modal-ux input").fill(token)
    if name:
        await keep_image(page, name)
    await page.locator(".modal-ux").get_by_role("button", name="Apply credentials").click()
    await page.locator(".modal-ux").get_by_role("button", name="Close", exact=True).click()


async def test_a_newcomer_can_use_the_page(page: Page, story: SeededService) -> None:
    """Authorise as HSBC, list HSBC's tenants, create a subsidiary, and see the 409 of the same again."""
    elsewhere: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(story.url) else elsewhere.append(request.url))
    await page.reload()
    await expect(page.get_by_text("Getting a token")).to_be_visible()
    await keep_image(page, "docs")
    await authorize(page, await story.token("HSBC"))

    listing = page.locator("#operations-tenants-list_tenants")
    await listing.locator(".opblock-summary-control").click()
    await listing.get_by_role("button", name="Try it out").click()
    await listing.get_by_role("button", name="Execute").click()
    answer = listing.locator(".live-responses-table")
    await expect(answer).to_contain_text("HSBC London")
    await expect(answer).not_to_contain_text("Barclays")
    await answer.scroll_into_view_if_needed()
    await keep_image(page, "docs-list")
    body = await answer.locator(".microlight").first.inner_text()
    parent = body.partition('"tenant_id": "')[2].partition('"')[0]
    await listing.locator(".opblock-summary-control").click()

    creation = page.locator("#operations-tenants-create_tenant")
    await creation.locator(".opblock-summary-control").click()
    await creation.get_by_role("button", name="Try it out").click()
    new = f'{{"name": "HSBC Zürich", "tenant_type": "subsidiary", "parent_tenant_id": "{parent}"}}'
    await creation.locator("textarea").fill(new)
    await creation.get_by_role("button", name="Execute").click()
    status = creation.locator(".live-responses-table .response-col_status").last
    await expect(status).to_contain_text("201")
    await creation.get_by_role("button", name="Execute").click()
    await expect(status).to_contain_text("409")
    await expect(creation.locator(".live-responses-table")).to_contain_text("name_taken")
    await creation.locator(".live-responses-table").scroll_into_view_if_needed()
    await keep_image(page, "docs-conflict")
    assert elsewhere == []


@pytest.mark.exhaustive
async def test_the_page_says_what_a_stranger_gets(page: Page) -> None:
    """Without a token the page shows the service's own 401, as a problem."""
    listing = page.locator("#operations-tenants-list_tenants")
    await listing.locator(".opblock-summary-control").click()
    await listing.get_by_role("button", name="Try it out").click()
    await listing.get_by_role("button", name="Execute").click()
    await expect(listing.locator(".live-responses-table")).to_contain_text("authentication_required")


@pytest.mark.exhaustive
async def test_the_reference_is_drawn(page: Page, story: SeededService) -> None:
    """ReDoc, too, shows the endpoints."""
    await page.goto(f"{story.url}/redoc")
    await expect(page.get_by_role("heading", name="Create a tenant")).to_be_visible()
