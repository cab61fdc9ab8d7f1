"""The scenarios, each a process with an address and a token."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.seeded_service import SeededService
from tests.support.sources import ROOT
from tests.support.watched_line import WatchedLine

pytestmark = pytest.mark.exhaustive

SCENARIOS = ROOT / "examples" / "scenarios"


async def run(scenario: str, *arguments: str, token: str, url: str) -> list[str]:
    """Run a script of the folder outside the repository, and return the lines that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        SCENARIOS / f"{scenario}.py",
        *arguments,
        cwd=Path("/"),
        env={"PATH": os.environ["PATH"], "API_URL": url, "TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(30):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return printed.decode().splitlines()


async def tenants(story: SeededService, token: str) -> dict[str, dict[str, Any]]:
    """Return what a caller sees, by name."""
    async with httpx.AsyncClient(base_url=story.url, headers={"Authorization": f"Bearer {token}"}) as client:
        return {tenant["name"]: tenant for tenant in (await client.get("/tenants?limit=1000")).json()["items"]}


async def test_onboarding_can_be_repeated(story: SeededService) -> None:
    """The group stands as written, and a second run finds the very same tenants instead of making others."""
    operator = await story.token("--platform-operator")
    first = await run("onboard_group", token=operator, url=story.url)
    assert [line.partition(":")[0] for line in first] == [
        "Nordbanken",
        "- Nordbanken Helsinki",
        "- Nordbanken Oslo",
        "- Nordbanken Tallinn",
    ]
    assert await run("onboard_group", token=operator, url=story.url) == first
    group = await tenants(story, await story.token("Nordbanken"))
    assert len(group) == 4
    assert [str(tenant["tenant_id"]) for tenant in group.values()] == [line.rpartition(" ")[2] for line in first]


async def test_a_review_reaches_every_subsidiary_once(story: SeededService) -> None:
    """A parent marks all its subsidiaries; the second run changes nothing."""
    token = await story.token("HSBC")
    before = await tenants(story, token)
    assert await run("quarterly_review", "2026-Q4", token=token, url=story.url) == [
        f"{name}: reviewed, version 2" for name, tenant in before.items() if tenant["parent_tenant_id"]
    ]
    assert set(await run("quarterly_review", "2026-Q4", token=token, url=story.url)) == {
        f"{name}: was reviewed before" for name, tenant in before.items() if tenant["parent_tenant_id"]
    }
    for name, tenant in (await tenants(story, token)).items():
        assert tenant["metadata"] == before[name]["metadata"] | (
            {"reviews": ["2026-Q4"]} if tenant["parent_tenant_id"] else {}
        )


async def test_a_review_overwrites_no_other_change(story: SeededService) -> None:
    """A subsidiary is renamed between the script's reading and its writing; both changes are stored."""
    token = await story.token("Deutsche Bank")
    renamed = (await tenants(story, token))["Deutsche Bank Luxembourg"]

    async def rename() -> None:
        path, body = f"/tenants/{renamed['tenant_id']}", {"name": "DB Luxembourg", "metadata": {"country": "LU"}}
        async with httpx.AsyncClient(base_url=story.url, headers={"Authorization": f"Bearer {token}"}) as client:
            (await client.put(path, json=body)).raise_for_status()

    interrupt = f"PUT /tenants/{renamed['tenant_id']}".encode()
    async with WatchedLine(story.url, interrupt=interrupt, meanwhile=rename).open() as line:
        lines = await run("quarterly_review", "2026-Q4", token=token, url=line.url)
    assert "Deutsche Bank Luxembourg: reviewed, version 3" in lines
    after = (await tenants(story, token))["DB Luxembourg"]
    assert after["metadata"] == {"country": "LU", "reviews": ["2026-Q4"]}


async def test_a_closed_subsidiary_is_gone_with_its_tokens(story: SeededService) -> None:
    """The subsidiary is deleted, its token is no longer valid, and closing it again reports that it does not exist."""
    parent, subsidiary = await story.token("Barclays"), await story.token("Barclays New York")
    assert await run("close_subsidiary", "Barclays New York", token=parent, url=story.url) == [
        "Barclays New York: closed"
    ]
    assert "Barclays New York" not in await tenants(story, parent)
    async with httpx.AsyncClient(base_url=story.url, headers={"Authorization": f"Bearer {subsidiary}"}) as client:
        assert (await client.get("/tenants")).status_code == 401
    assert await run("close_subsidiary", "Barclays New York", token=parent, url=story.url) == [
        "Barclays New York: there is no such subsidiary"
    ]


async def test_a_subsidiary_cannot_close_itself(story: SeededService) -> None:
    """The script prints the service's own error."""
    token = await story.token("Barclays Bank Ireland")
    (line,) = await run("close_subsidiary", "Barclays Bank Ireland", token=token, url=story.url)
    assert line.startswith("Barclays Bank Ireland: The operation is not permitted. ")


async def test_a_lost_answer_creates_nothing_twice(story: SeededService) -> None:
    """The answer to the creation is lost on the line; the repetition gets it, and one subsidiary exists."""
    token = await story.token("Deutsche Bank")
    before = await tenants(story, token)
    async with WatchedLine(story.url, cut=b"POST ").open() as line:
        lines = await run("retry_safely", "Deutsche Bank Wien", token=token, url=line.url)
    assert lines == ["POST /tenants: RemoteProtocolError, trying again", "Deutsche Bank Wien: opened"]
    assert set(await tenants(story, token)) - set(before) == {"Deutsche Bank Wien"}
    assert len(await tenants(story, token)) == len(before) + 1


async def test_a_final_refusal_is_not_repeated(story: SeededService) -> None:
    """A request for a taken name is not repeated."""
    token = await story.token("Deutsche Bank")
    lines = await run("retry_safely", "Deutsche Bank London", token=token, url=story.url)
    assert len(lines) == 1
    assert "has this name" in lines[0]


async def test_paging_reaches_everything_once(story: SeededService) -> None:
    """With pages of two, a platform operator reads every tenant, each once, and each group under its head."""
    operator = await story.token("--platform-operator")
    async with WatchedLine(story.url).open() as line:
        *names, count = await run("page_through_everything", "2", token=operator, url=line.url)
    everything = await tenants(story, operator)
    expected = [f"{'  ' if tenant['parent_tenant_id'] else ''}{name}" for name, tenant in everything.items()]
    assert (names, count) == (expected, f"{len(expected)} tenants")
    assert len(expected) > 20
    assert len(line.requests) == (len(expected) + 1) // 2
