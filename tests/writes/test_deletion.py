"""Deletion is atomic: the branch, its tokens and its events, despite failures and races."""

import asyncio
import re
from collections import Counter
from uuid import uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import URL

from multi_tenant_db.main import create_app
from tests.support.audit import count_events, types_of
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.requests import create, delete, new_subsidiary, outcome, replace

IN_THE_WAY = "409 tenant_has_subsidiaries"
NOT_FOUND = "404 tenant_not_found"

FAILING_DELETION = (
    """
    CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.name = 'Cannot be deleted' THEN
            RAISE EXCEPTION 'disk on fire' USING ERRCODE = 'io_error';
        END IF;
        RETURN OLD;
    END $$
    """,
    "CREATE TRIGGER fail_in_the_middle BEFORE DELETE ON tenancy.tenants FOR EACH ROW EXECUTE FUNCTION public.fail()",
)


async def stored(as_admin: asyncpg.Connection, organization: Organization) -> int:
    """Return how many tenants of the organisation are there."""
    statement = "SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1"
    count: int = await as_admin.fetchval(statement, organization.parent.tenant_id)
    return count


async def status_of(client: httpx.AsyncClient, party: Party) -> int:
    """Return what the party's own token is answered."""
    return (await client.get("/tenants", headers=party.headers)).status_code


@pytest.mark.parametrize("subsidiaries", [1, 3])
async def test_a_refusal_says_how_many_stand_in_the_way(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    registry: Registry,
    platform_operator: Party,
    subsidiaries: int,
) -> None:
    """Without cascade a parent with subsidiaries stays: 409, with their number, and nothing is written."""
    words = {1: "1 subsidiary", 3: "3 subsidiaries"}[subsidiaries]
    bank = await registry.create_organization("Bank", subsidiaries)
    before = await count_events(as_admin)

    answer = await delete(client, platform_operator, bank.parent.tenant_id)

    assert outcome(answer) == IN_THE_WAY
    assert answer.json()["detail"].startswith(f"The tenant has {words}. ")
    assert "?cascade=true" in answer.json()["detail"]
    assert (await stored(as_admin, bank), await count_events(as_admin)) == (1 + subsidiaries, before)


async def test_a_parent_without_subsidiaries_needs_no_cascade(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, registry: Registry, platform_operator: Party
) -> None:
    """A parent without subsidiaries is deleted without cascade, and the deletion is recorded."""
    bank = await registry.create_organization("Bank", 1)
    assert outcome(await delete(client, bank.parent, bank.subsidiaries[0].tenant_id)) == "204"
    assert outcome(await delete(client, platform_operator, bank.parent.tenant_id)) == "204"
    for party in bank.parties:
        assert await types_of(as_admin, party.tenant_id) == ["created", "deleted"]


async def test_a_cascade_takes_the_branch_and_its_tokens_and_nothing_else(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    barclays: Organization,
) -> None:
    """Every tenant and token of the branch is deleted at once; other organisations are not affected."""
    second_token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.subsidiaries[0].tenant_id)
    also_hsbc = Party(hsbc.subsidiaries[0].tenant_id, "second", second_token)
    platform_operator = Party(uuid4(), "operator", await registry.issue_operator_token())

    assert outcome(await delete(client, platform_operator, hsbc.parent.tenant_id, cascade=True)) == "204"

    assert await stored(as_admin, hsbc) == 0
    assert [await status_of(client, party) for party in (*hsbc.parties, also_hsbc)] == [401] * 4
    tokens = "SELECT count(*) FROM tenancy_private.access_tokens WHERE organization_id = $1"
    assert await as_admin.fetchval(tokens, hsbc.parent.tenant_id) == 0
    assert await stored(as_admin, barclays) == 3
    assert [await status_of(client, party) for party in (*barclays.parties, platform_operator)] == [200] * 4


async def test_deleting_a_subsidiary_ends_its_tokens_alone(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The deleted subsidiary's next request is a 401; parent and sibling keep their access."""
    gone, sibling = hsbc.subsidiaries
    assert outcome(await delete(client, hsbc.parent, gone.tenant_id)) == "204"
    assert [await status_of(client, party) for party in (gone, sibling, hsbc.parent)] == [401, 200, 200]
    assert outcome(await delete(client, hsbc.parent, gone.tenant_id)) == NOT_FOUND


@pytest.mark.parametrize("cascade", [False, True])
async def test_no_tenant_deletes_itself_or_loses_a_subsidiary_by_trying(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, cascade: bool
) -> None:
    """A tenant's DELETE of itself is a 403 that leaves the whole organisation and its tokens as they were."""
    for party in hsbc.parties:
        answer = await delete(client, party, party.tenant_id, cascade=cascade)
        assert outcome(answer) == "403 operation_not_permitted"
    assert await stored(as_admin, hsbc) == 3
    assert [await status_of(client, party) for party in hsbc.parties] == [200] * 3


async def test_cascade_on_a_subsidiary_deletes_only_it(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A subsidiary has no subsidiaries, so the flag changes nothing."""
    assert outcome(await delete(client, hsbc.parent, hsbc.subsidiaries[0].tenant_id, cascade=True)) == "204"
    assert await stored(as_admin, hsbc) == 2


async def test_a_failure_in_the_middle_undoes_everything(server_url: URL) -> None:
    """When the seventh of ten subsidiaries cannot be deleted, all tenants, all tokens and no event of it remain."""
    async with fresh_database(server_url) as database:
        as_admin, operator = await database.connect_as_admin(), await database.connect_as_operator()
        registry = Registry(operator)
        bank = await registry.create_organization("Bank", 10)
        someone = Party(bank.parent.tenant_id, "operator", await registry.issue_operator_token())
        app = create_app(database.settings())
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                await replace(client, bank.parent, bank.subsidiaries[6].tenant_id, "Cannot be deleted")
                for statement in FAILING_DELETION:
                    await as_admin.execute(statement)
                before = await count_events(as_admin)

                answer = await delete(client, someone, bank.parent.tenant_id, cascade=True)

                assert outcome(answer) == "503 database_unavailable"
                assert (await stored(as_admin, bank), await count_events(as_admin)) == (11, before)
                assert [await status_of(client, party) for party in bank.parties] == [200] * 11
        await as_admin.close()
        await operator.close()


async def test_of_many_cascades_exactly_one_deletes(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """Twenty cascades at once give one 204 and nineteen 404, and each tenant is recorded as deleted once."""
    answers = await asyncio.gather(
        *(delete(client, platform_operator, hsbc.parent.tenant_id, cascade=True) for _ in range(20))
    )
    assert Counter(map(outcome, answers)) == {"204": 1, NOT_FOUND: 19}
    for party in hsbc.parties:
        assert await types_of(as_admin, party.tenant_id) == ["created", "deleted"]


@pytest.mark.parametrize("cascade", [False, True])
async def test_deletion_races_with_new_subsidiaries(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, registry: Registry, platform_operator: Party, cascade: bool
) -> None:
    """A subsidiary added at that moment is deleted with its parent, stops the deletion, or is refused: no orphan."""
    for _ in range(15):
        bank = await registry.create_organization("Bank", 0)
        additions = [create(client, bank.parent, new_subsidiary(bank.parent)) for _ in range(5)]
        answers = await asyncio.gather(
            *additions[:2], delete(client, platform_operator, bank.parent.tenant_id, cascade=cascade), *additions[2:]
        )
        deletion = answers.pop(2)
        added = [answer.json()["tenant_id"] for answer in answers if answer.status_code == 201]
        remaining = await as_admin.fetch(
            "SELECT tenant_id FROM tenancy.tenants WHERE organization_id = $1", bank.parent.tenant_id
        )

        assert outcome(deletion) in {"204", IN_THE_WAY}
        assert {outcome(answer) for answer in answers} <= {
            "201",
            "401 authentication_required",
            "403 operation_not_permitted",
            "422 parent_not_found",
        }
        if deletion.status_code == 204:
            assert remaining == []
            assert [await types_of(as_admin, tenant_id) for tenant_id in added] == [["created", "deleted"]] * len(added)
        else:
            assert {str(row["tenant_id"]) for row in remaining} == {str(bank.parent.tenant_id), *added}


async def test_what_stands_in_the_way_is_counted_within_the_callers_reach(
    client: httpx.AsyncClient, hsbc: Organization, platform_operator: Party
) -> None:
    """Only platform operators read the number, since only they may delete a parent."""
    for party in (*hsbc.parties, platform_operator):
        detail = (await delete(client, party, hsbc.parent.tenant_id)).json()["detail"]
        assert bool(re.search(r"\d", detail)) == (party is platform_operator)
