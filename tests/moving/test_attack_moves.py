"""Attacks while an organisation moves, by SQL of the service's role on either server."""

import asyncpg
import pytest

from multi_tenant_db.identity.access_token import hash_access_token
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_step import MoveStep
from tests.moving.filled import as_admin, filled_organization, home_of
from tests.moving.moved import moved
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly, error_of
from tests.support.registry import Registry

GROUP = "while an organisation moves"
TENANTS = "SELECT tenant_id FROM tenancy.tenants"
MOVED = "MT001"

Service = dict[str, asyncpg.Connection]


@sees_nothing(GROUP)
async def test_a_moved_token_where_it_was(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To read something at the server that gave the organisation away: its token learns the new server's label."""
    hsbc = await filled_organization(both, registry_here)
    await moved(both, hsbc.parent.tenant_id)
    for statement in (TENANTS, "SELECT tenancy.current_tenant_id()", "TABLE tenancy.accounts"):
        error = await error_of(attempt(services[HERE], hsbc.parent.token, statement))
        assert (error.sqlstate, error.detail, error.message) == (
            MOVED,
            THERE,
            "the organisation has moved to another server",
        )
    assert await attempt(services[HERE], None, TENANTS) == []


@refused(GROUP)
async def test_where_others_have_moved(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To learn with another's token, a made-up one, or a hash of the right one where an organisation has moved."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    await moved(both, hsbc.parent.tenant_id)
    assert await attempt(services[HERE], barclays.parent.token, f"{TENANTS} WHERE organization_id <> tenant_id")
    digest = hash_access_token(hsbc.parent.token)
    for forged in (
        f"{hsbc.parent.token}x",
        digest.hex(),
        f"\\x{digest.hex()}",
        f"mtdb_{THERE}.{hsbc.parent.token[5:]}",
    ):
        error = await error_of(attempt(services[HERE], forged, TENANTS))
        assert (error.sqlstate, error.detail) == ("28000", None)
    for token in (barclays.parent.token, hsbc.parent.token, None):
        for statement in (
            "TABLE tenancy_private.moved_tokens",
            f"SELECT tenancy_private.follow_access_token('\\x{digest.hex()}')",
            "INSERT INTO tenancy_private.moved_tokens VALUES (sha256('x'), 'b', now())",
            "DELETE FROM tenancy_private.moved_tokens",
        ):
            assert await attempt_quietly(services[HERE], token, statement) is None


@sees_nothing(GROUP)
async def test_the_copy_before_the_switch(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To read or write the copy: its own token is not accepted there yet, and another's does not reach it."""
    hsbc = await filled_organization(both, registry_here)
    operator = await both.databases[THERE].connect_as_operator()
    barclays = await Registry(operator).create_organization("Barclays")
    checked = []

    async def read() -> None:
        async with as_admin(both, THERE) as there:
            assert await there.fetchval(f"SELECT EXISTS ({TENANTS} WHERE tenant_id = $1)", hsbc.parent.tenant_id)
        for token in (hsbc.parent.token, hsbc.subsidiaries[0].token):
            error = await error_of(attempt(services[THERE], token, TENANTS))
            assert (error.sqlstate, error.detail) == ("57000", None)
            with pytest.raises(asyncpg.OperatorInterventionError):
                await attempt(services[THERE], token, "UPDATE tenancy.accounts SET balance = 1000")
        theirs = {row["tenant_id"] for row in await attempt(services[THERE], barclays.parent.token, TENANTS)}
        assert theirs == {party.tenant_id for party in barclays.parties}
        update = "UPDATE tenancy.tenants SET metadata = '{}' RETURNING tenant_id"
        assert {row["tenant_id"] for row in await attempt(services[THERE], barclays.parent.token, update)} == theirs
        checked.append(True)

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.COPIED: read, MoveStep.DETACHED: read})
    await operator.close()
    assert len(checked) == 2


@sees_nothing(GROUP)
async def test_a_token_with_the_label_of_the_target(
    both: TwoServers, registry_here: Registry, services: Service
) -> None:
    """To reach the copy with a token that was issued there, before an earlier move: it is still sent to the source."""
    hsbc = await filled_organization(both, registry_here)
    organization_id = hsbc.parent.tenant_id
    await moved(both, organization_id)
    operator = await both.databases[THERE].connect_as_operator()
    issued_there = await Registry(operator).issue_token(organization_id, organization_id)
    await operator.close()
    await moved(both, organization_id, HERE)

    async def read() -> None:
        error = await error_of(attempt(services[THERE], issued_there, TENANTS))
        assert (error.sqlstate, error.detail) == (MOVED, HERE)
        assert len(await attempt(services[HERE], issued_there, TENANTS)) == 3

    await moved(both, organization_id, at={MoveStep.COPIED: read, MoveStep.DETACHED: read})
    assert await home_of(both, issued_there) == {HERE: "MT001 b", THERE: "yes"}


@sees_nothing(GROUP)
async def test_the_rows_left_after_the_switch(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To read or change the rows that the source still has after the switch, with a token or as a platform operator."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    operator_token = await registry_here.issue_operator_token()
    update = f"UPDATE tenancy.tenants SET metadata = '{{}}' WHERE organization_id = '{hsbc.parent.tenant_id}'"
    checked = []

    async def read() -> None:
        async with as_admin(both, HERE) as here:
            count = "SELECT count(*) FROM tenancy.accounts WHERE organization_id = $1"
            assert await here.fetchval(count, hsbc.parent.tenant_id) == 3
        error = await error_of(attempt(services[HERE], hsbc.parent.token, TENANTS))
        assert error.sqlstate == MOVED
        theirs = {row["tenant_id"] for row in await attempt(services[HERE], barclays.parent.token, TENANTS)}
        assert theirs == {party.tenant_id for party in barclays.parties}
        with pytest.raises(asyncpg.OperatorInterventionError):
            await attempt(services[HERE], operator_token, update, as_platform=True)
        with pytest.raises(asyncpg.OperatorInterventionError):
            await registry_here.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
        checked.append(True)

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.UNSUBSCRIBED: read})
    assert checked


@residual(GROUP, "Platform operators see the copy: on the target before the switch, on the source after it.")
async def test_a_platform_operator_and_the_copy(both: TwoServers, registry_here: Registry, services: Service) -> None:
    """To change the copy before the switch: an operator sees it, and the comparison notices what was changed."""
    hsbc = await filled_organization(both, registry_here)
    operator = await both.databases[THERE].connect_as_operator()
    token = await Registry(operator).issue_operator_token()
    await operator.close()
    condition = f"WHERE organization_id = '{hsbc.parent.tenant_id}'"
    update = f"UPDATE tenancy.tenants SET metadata = '{{}}' {condition} RETURNING 1"

    async def change() -> None:
        assert len(await attempt(services[THERE], token, update, as_platform=True)) == 3

    with pytest.raises(MoveError, match=r"tenancy\.tenant"):
        await moved(both, hsbc.parent.tenant_id, at={MoveStep.COPIED: change})
    assert await attempt(services[THERE], token, f"{TENANTS} {condition}", as_platform=True) == []
    assert await home_of(both, hsbc.parent.token) == {HERE: "yes", THERE: "28000"}
