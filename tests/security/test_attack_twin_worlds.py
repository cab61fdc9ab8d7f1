"""Distinguishing two databases by EXPLAIN: the same caller and as many strangers in both, but other ones."""

import re
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from sqlalchemy import URL

from tests.support.attack import residual, sees_nothing
from tests.support.context import presenting
from tests.support.extent import part
from tests.support.twin_worlds import World, questions, twin_worlds

GROUP = "side channels"
LEAST_QUESTIONS = 300
PLANNED = "EXPLAIN (VERBOSE, SETTINGS)"
EXECUTED = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF)"
HIT = re.compile(r"shared hit=(\d+)")
SAMPLE_IDS = "ALTER TABLE tenancy.tenants ALTER tenant_id SET STATISTICS 100"
WITHOUT_INDEXES = tuple(
    f"SET LOCAL {setting} = off" for setting in ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")
)
TIDY = "VACUUM ANALYZE; REINDEX SCHEMA tenancy"


@pytest.fixture(scope="module")
async def worlds(server_url: URL) -> AsyncIterator[tuple[World, World]]:
    """Share the two worlds among the tests of this file."""
    async with twin_worlds(server_url) as worlds:
        yield worlds


async def asked(  # noqa: PLR0913, PLR0917 - each is a part of one question
    world: World, explain: str, queries: list[str], token: str | None, role: str, ways: Sequence[str] = ()
) -> dict[str, str]:
    """Return what EXPLAIN says of each query; an error's message is an answer, too."""
    answers = {}
    async with presenting(world.as_api, token):
        for statement in (f"SET LOCAL ROLE {role}", *ways):
            await world.as_api.execute(statement)
        for query in queries:
            try:
                async with world.as_api.transaction():
                    rows = await world.as_api.fetch(f"{explain} {query}")
            except asyncpg.PostgresError as error:
                answers[query] = str(error)
            else:
                # The catalogue's own pages are read into the session at the first use.
                lines = [row[0] for row in rows]
                answers[query] = "\n".join(lines[: _planning(lines)])
    return answers


async def some_questions(worlds: tuple[World, World]) -> list[str]:
    """Return the questions of this run; in an exhaustive one, all that the catalogue allows."""
    every = await questions(*worlds)
    assert len(every) > LEAST_QUESTIONS
    return part(every, 9)


def _planning(lines: list[str]) -> int:
    return next((number for number, line in enumerate(lines) if line.startswith("Planning:")), len(lines))


def callers(world: World) -> list[tuple[str | None, str]]:
    """Return every token with the role it is presented in."""
    tokens = (None, world.parent_token, world.subsidiary_token)
    return [(token, role) for token in tokens for role in ("tenancy_api", "tenancy_platform")]


@sees_nothing(GROUP)
@pytest.mark.parametrize("analysed", [False, True], ids=["before ANALYZE", "after ANALYZE"])
async def test_estimates_costs_and_widths(worlds: tuple[World, World], analysed: bool) -> None:
    """To find a question whose plan, estimate, cost or width depends on what strangers wrote; any operator."""
    queries = await some_questions(worlds)
    if analysed:
        await tidy(worlds)
    for token, role in callers(worlds[0]):
        first, second = [await asked(world, PLANNED, queries, token, role) for world in worlds]
        assert first == second, role


@pytest.mark.exhaustive
@sees_nothing(GROUP)
@pytest.mark.parametrize("ways", [(), WITHOUT_INDEXES], ids=["any way", "row by row"])
async def test_rows_and_buffers(worlds: tuple[World, World], ways: Sequence[str]) -> None:
    """To find one whose execution, in rows and pages, depends on it; a parent's ranges of ids are told of below."""
    queries = await some_questions(worlds)
    await tidy(worlds)
    for token, role in callers(worlds[0]):
        for world in worlds:  # what the session reads once
            await asked(world, EXECUTED, queries, token, role, ways)
        first, second = [await asked(world, EXECUTED, queries, token, role, ways) for world in worlds]
        different = {query for query in queries if first[query] != second[query]}
        assert not {query for query in different if token != worlds[0].parent_token or not _is_range_of_ids(query)}


@sees_nothing(GROUP)
async def test_the_comparison_would_notice(worlds: tuple[World, World]) -> None:
    """To be noticed by the comparison above, were the ids sampled: the test of the test."""
    queries = [query for query in await questions(*worlds) if "tenancy.tenants WHERE tenant_id" in query]
    for world in worlds:
        await world.as_admin.execute(f"{SAMPLE_IDS}; ANALYZE tenancy.tenants")
    try:
        first, second = [await asked(world, PLANNED, queries, None, "tenancy_platform") for world in worlds]
        assert first != second
    finally:
        for world in worlds:
            await world.as_admin.execute(SAMPLE_IDS.replace("100", "0"))
            await world.as_admin.execute("DELETE FROM pg_statistic WHERE starelid = 'tenancy.tenants'::regclass")


@residual(
    GROUP,
    "with a parent's token: how many pages of the index of ids lie in a range of ids, so ids at the pages' ends; "
    "an id dates its tenant or event and opens nothing",
)
async def test_pages_of_a_range_of_ids(worlds: tuple[World, World]) -> None:
    """To count by EXPLAIN's buffers the pages of hidden ids in a range: without a token, no page is read."""
    await tidy(worlds)
    query = "SELECT FROM tenancy.tenants WHERE tenant_id > 'a0000000-0000-7000-8000-000000000000' ORDER BY tenant_id"
    seen: dict[str | None, list[int]] = {}
    for token in (None, worlds[0].parent_token):
        seen[token] = []
        for world in worlds:
            async with presenting(world.as_api, token):
                await world.as_api.execute("SET LOCAL enable_sort = off")
                await world.as_api.fetch(f"{EXECUTED} {query}")  # what the session reads once
                plan = "\n".join(row[0] for row in await world.as_api.fetch(f"{EXECUTED} {query}"))
                assert "tenants_tenant_id" in plan
                seen[token].append(max(map(int, HIT.findall(plan)), default=0))
    assert len({*seen[None]}) == 1
    assert len({*seen[worlds[0].parent_token]}) == 2


async def tidy(worlds: tuple[World, World]) -> None:
    """Lay both out alike: pages and trees then depend on how much there is alone."""
    for world in worlds:
        for statement in TIDY.split("; "):
            await world.as_admin.execute(statement)


def _is_range_of_ids(query: str) -> bool:
    return bool(re.search(r"WHERE (tenant_id|event_id) [<>]=?|SELECT (tenant_id|event_id) ", query))
