"""The table of policies in tests/security/model/judge.py, every row and cell, as SQL of the service's own role."""

import asyncpg
import pytest

from tests.support.context import affected, presenting, stored_tenants, visible_ids
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry

INSERT = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ($1, $2, $3)"
RENAME = "UPDATE tenancy.tenants SET name = name || '!' WHERE tenant_id = $1"
DELETE = "DELETE FROM tenancy.tenants WHERE tenant_id = $1"
UPDATE_EVERYTHING = "UPDATE tenancy.tenants SET metadata = '{\"touched\": true}'"
DELETE_EVERYTHING = "DELETE FROM tenancy.tenants"


async def test_a_platform_operator_sees_all(
    as_api: asyncpg.Connection,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """After the role switch, a platform operator's token shows every tenant there is."""
    async with presenting(as_api, platform_operator.token, as_platform=True):
        seen = await visible_ids(as_api)

    assert seen == await visible_ids(as_admin)
    assert {party.tenant_id for party in (*hsbc.parties, *barclays.parties)} <= set(seen)


async def test_a_platform_operator_inserts_parents_and_subsidiaries(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """A platform operator founds organisations and adds subsidiaries to any."""
    async with presenting(as_api, platform_operator.token, as_platform=True):
        founded = await as_api.fetchval(f"{INSERT} RETURNING tenant_id", "parent", None, "Founded")
        added = await as_api.fetchval(f"{INSERT} RETURNING tenant_id", "subsidiary", hsbc.parent.tenant_id, "Added")

    stored = {row["tenant_id"]: row["organization_id"] for row in await stored_tenants(as_admin)}
    assert stored[founded] == founded
    assert stored[added] == hsbc.parent.tenant_id


async def test_a_platform_operator_updates_and_deletes_all(
    as_api: asyncpg.Connection,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """A platform operator renames and deletes any tenant, heads of organisations included."""
    async with presenting(as_api, platform_operator.token, as_platform=True):
        for party in [*hsbc.parties, *barclays.parties]:
            assert affected(await as_api.execute(RENAME, party.tenant_id)) == 1
        for party in reversed(hsbc.parties):
            assert affected(await as_api.execute(DELETE, party.tenant_id)) == 1

    names = {row["tenant_id"]: row["name"] for row in await stored_tenants(as_admin)}
    assert not {party.tenant_id for party in hsbc.parties} & names.keys()
    assert names[barclays.parent.tenant_id] == f"{barclays.parent.name}!"


@pytest.mark.parametrize("as_platform", [False, True])
async def test_role_and_token_of_a_platform_operator_need_each_other(
    as_api: asyncpg.Connection,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    platform_operator: Party,
    as_platform: bool,
) -> None:
    """An operator's token without the role switch, and the role with a parent's token, read and write nothing."""
    token = hsbc.parent.token if as_platform else platform_operator.token
    before = await stored_tenants(as_admin)

    async with presenting(as_api, token, as_platform=as_platform):
        assert await visible_ids(as_api) == []
        assert affected(await as_api.execute(UPDATE_EVERYTHING)) == 0
        assert affected(await as_api.execute(DELETE_EVERYTHING)) == 0
    for kind, parent_id in (("parent", None), ("subsidiary", hsbc.parent.tenant_id)):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with presenting(as_api, token, as_platform=as_platform):
                await as_api.execute(INSERT, kind, parent_id, "Smuggled")

    assert await stored_tenants(as_admin) == before


async def test_a_parent_sees_itself_and_its_subsidiaries(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """Each of two parents sees its own organisation, head first, and nothing of the other."""
    for organization in (hsbc, barclays):
        async with presenting(as_api, organization.parent.token):
            assert await visible_ids(as_api) == [party.tenant_id for party in organization.parties]


async def test_a_parent_inserts_subsidiaries_under_itself(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A parent adds a subsidiary, which joins its organisation."""
    async with presenting(as_api, hsbc.parent.token):
        added = await as_api.fetchval(f"{INSERT} RETURNING tenant_id", "subsidiary", hsbc.parent.tenant_id, "Paris")

    rows = await as_admin.fetch(
        "SELECT tenant_id FROM tenancy.tenants WHERE organization_id = $1 ORDER BY tenant_id", hsbc.parent.tenant_id
    )
    assert [row["tenant_id"] for row in rows] == [*(party.tenant_id for party in hsbc.parties), added]


async def test_a_parent_inserts_nothing_else(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """A parent founds no organisation, adds nothing to another's, and no third level to its own."""
    before = await stored_tenants(as_admin)
    refused = [
        ("parent", None),
        ("subsidiary", barclays.parent.tenant_id),
        ("subsidiary", barclays.subsidiaries[0].tenant_id),
        ("subsidiary", hsbc.subsidiaries[0].tenant_id),
        ("subsidiary", None),
        ("parent", barclays.parent.tenant_id),
    ]
    for kind, parent_id in refused:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with presenting(as_api, hsbc.parent.token):
                await as_api.execute(INSERT, kind, parent_id, "Smuggled")

    assert await stored_tenants(as_admin) == before


async def test_a_parent_updates_only_itself_and_its_subsidiaries(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """An update without any filter changes exactly the parent's organisation; one aimed at a stranger changes none."""
    before = await stored_tenants(as_admin)
    async with presenting(as_api, hsbc.parent.token):
        for stranger in barclays.parties:
            assert affected(await as_api.execute(RENAME, stranger.tenant_id)) == 0
        assert affected(await as_api.execute(UPDATE_EVERYTHING)) == len(hsbc.parties)

    changed = {row["tenant_id"] for row in set(await stored_tenants(as_admin)) - set(before)}
    assert changed == {party.tenant_id for party in hsbc.parties}


async def test_a_parent_deletes_its_subsidiaries_and_not_itself(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """A delete without any filter takes the parent's subsidiaries alone; the parent stays, even without any left."""
    before = await stored_tenants(as_admin)
    async with presenting(as_api, hsbc.parent.token):
        for stranger in barclays.parties:
            assert affected(await as_api.execute(DELETE, stranger.tenant_id)) == 0
        assert affected(await as_api.execute(DELETE_EVERYTHING)) == len(hsbc.subsidiaries)
        assert affected(await as_api.execute(DELETE, hsbc.parent.tenant_id)) == 0

    gone = {row["tenant_id"] for row in set(before) - set(await stored_tenants(as_admin))}
    assert gone == {party.tenant_id for party in hsbc.subsidiaries}


async def test_a_subsidiary_sees_and_updates_itself_alone(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """Of its parent, its sibling and strangers a subsidiary neither reads nor changes anything."""
    myself, sibling = hsbc.subsidiaries
    before = await stored_tenants(as_admin)
    async with presenting(as_api, myself.token):
        assert await visible_ids(as_api) == [myself.tenant_id]
        for other in (hsbc.parent, sibling, *barclays.parties):
            assert affected(await as_api.execute(RENAME, other.tenant_id)) == 0
        assert affected(await as_api.execute(UPDATE_EVERYTHING)) == 1

    changed = {row["tenant_id"] for row in set(await stored_tenants(as_admin)) - set(before)}
    assert changed == {myself.tenant_id}


async def test_a_subsidiary_inserts_and_deletes_nothing(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """A subsidiary adds no tenant, under any parent, and deletes none, itself included."""
    myself = hsbc.subsidiaries[0]
    before = await stored_tenants(as_admin)
    parents = [None, myself.tenant_id, hsbc.parent.tenant_id, barclays.parent.tenant_id]
    for kind in ("parent", "subsidiary"):
        for parent_id in parents:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with presenting(as_api, myself.token):
                    await as_api.execute(INSERT, kind, parent_id, "Smuggled")
    async with presenting(as_api, myself.token):
        assert affected(await as_api.execute(DELETE_EVERYTHING)) == 0

    assert await stored_tenants(as_admin) == before


@pytest.fixture(params=["unset", "empty", "tenant id", "text", "expired", "revoked", "deleted tenant"])
async def impostor(
    request: pytest.FixtureRequest, registry: Registry, as_admin: asyncpg.Connection, hsbc: Organization
) -> str | None:
    """Give what a caller without a live token may put into `app.current_tenant`."""
    tenant_id = hsbc.parent.tenant_id
    texts = {"unset": None, "empty": "", "tenant id": str(tenant_id), "text": "mtdb_no-such-token"}
    if request.param in texts:
        return texts[request.param]
    if request.param == "deleted tenant":
        leaver = await registry.create_tenant("Leaver", tenant_id)
        await as_admin.execute(DELETE, leaver.tenant_id)
        return leaver.token
    token = await registry.issue_token(tenant_id, tenant_id)
    if request.param == "revoked":
        await registry.revoke(token)
    else:
        await as_admin.execute(
            "UPDATE tenancy_private.access_tokens"
            " SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 microsecond'"
            " WHERE token_hash = sha256(convert_to($1, 'UTF8'))",
            token,
        )
    return token


@pytest.mark.parametrize("as_platform", [False, True])
@pytest.mark.parametrize("is_local", [True, False])
async def test_without_a_token_nothing_is_read_or_written(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, impostor: str | None, as_platform: bool, is_local: bool
) -> None:
    """Without a live token no row is read or changed: an empty context sees none, another value is error 28000."""
    if impostor is not None and not is_local:
        await as_api.execute("SELECT set_config('app.current_tenant', $1, false)", impostor)
    token = impostor if is_local else None
    before = await stored_tenants(as_admin)

    for statement in ("SELECT FROM tenancy.tenants", UPDATE_EVERYTHING, DELETE_EVERYTHING):
        if impostor:
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                async with presenting(as_api, token, as_platform=as_platform):
                    await as_api.execute(statement)
        else:
            async with presenting(as_api, token, as_platform=as_platform):
                assert affected(await as_api.execute(statement)) == 0
    refusal = asyncpg.InvalidAuthorizationSpecificationError if impostor else asyncpg.InsufficientPrivilegeError
    for kind, parent_id in (("parent", None), ("subsidiary", before[0]["tenant_id"])):
        with pytest.raises(refusal):
            async with presenting(as_api, token, as_platform=as_platform):
                await as_api.execute(INSERT, kind, parent_id, "Smuggled")

    assert await stored_tenants(as_admin) == before
