"""An organisation moves with all that belongs to it, and back."""

from uuid import UUID

import asyncpg
import pytest

from multi_tenant_db.database.failures import READ_ONLY_TOKEN
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_step import MoveStep
from tests.moving.filled import as_admin, filled_organization, home_of
from tests.moving.moved import moved
from tests.moving.traces import rows_of, traces
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.attempt import attempt, error_of
from tests.support.context import presenting
from tests.support.registry import Registry


async def test_everything_of_the_organisation_moves(both: TwoServers, registry_here: Registry) -> None:
    """Rows are the same there and gone here; tokens lead there; other organisations and the catalogue are as before."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    async with as_admin(both, HERE) as here, as_admin(both, THERE) as there:
        before, theirs = await rows_of(here, hsbc.parent.tenant_id), await rows_of(here, barclays.parent.tenant_id)
        assert {*before} == {"tenants", "events", "accounts", "tokens", "keys", "quotas"}
        await moved(both, hsbc.parent.tenant_id)
        assert await rows_of(there, hsbc.parent.tenant_id) == before
        assert await rows_of(here, hsbc.parent.tenant_id) == {}
        assert await rows_of(here, barclays.parent.tenant_id) == theirs
        assert await rows_of(there, barclays.parent.tenant_id) == {}
    assert await home_of(both, hsbc.subsidiaries[0].token) == {HERE: "MT001 b", THERE: "yes"}
    assert await home_of(both, barclays.parent.token) == {HERE: "yes", THERE: "28000"}
    assert await traces(both) == []


async def test_it_moves_back_with_old_and_new_tokens(both: TwoServers, registry_here: Registry) -> None:
    """After a move there and back, and there again, tokens issued at either place are valid where the rows are."""
    hsbc = await filled_organization(both, registry_here)
    organization_id = hsbc.parent.tenant_id
    await moved(both, organization_id)
    operator = await both.databases[THERE].connect_as_operator()
    issued_there = await Registry(operator).issue_token(organization_id, organization_id)
    await operator.close()
    for place, said_here, said_there in ((HERE, "yes", "MT001 default"), (THERE, "MT001 b", "yes")):
        await moved(both, organization_id, place)
        assert await home_of(both, hsbc.parent.token) == {HERE: said_here, THERE: said_there}
        expected_here = said_here if place == HERE else "MT001 b"
        assert await home_of(both, issued_there) == {HERE: expected_here, THERE: said_there}
        if place == HERE:
            # The note of the earlier move is gone: a token that ends here does not lead there any more.
            await registry_here.revoke(hsbc.subsidiaries[1].token)
            assert (await home_of(both, hsbc.subsidiaries[1].token))[HERE] == "28000"
    assert await traces(both) == []


async def test_dead_tokens_stay_dead(both: TwoServers, registry_here: Registry) -> None:
    """A token that was revoked before the move is refused by both servers, and one revoked after it, too."""
    hsbc = await filled_organization(both, registry_here)
    parent = hsbc.parent
    dead = await registry_here.issue_token(parent.tenant_id, parent.tenant_id)
    await registry_here.revoke(dead)
    await moved(both, parent.tenant_id)
    assert await home_of(both, dead) == {HERE: "28000", THERE: "28000"}
    operator = await both.databases[THERE].connect_as_operator()
    theirs = "SELECT token_id FROM tenancy.list_tokens(false, 1000) WHERE tenant_id = $1"
    rows = await operator.fetch(theirs, parent.tenant_id)
    for row in rows:
        assert await operator.fetchval("SELECT tenancy.revoke_token($1)", row["token_id"])
    await operator.close()
    assert await home_of(both, parent.token) == {HERE: "MT001 b", THERE: "28000"}


async def test_tokens_and_tenants_change_during_the_copy(both: TwoServers, registry_here: Registry) -> None:
    """What is revoked, issued, limited, created and deleted while rows are copied is so on the target as well."""
    hsbc = await filled_organization(both, registry_here)
    parent, gone, kept = hsbc.parent, *hsbc.subsidiaries
    issued: list[str] = []
    operator = await registry_here.issue_operator_token()
    view = await registry_here.issue_view_token(operator, parent.tenant_id, parent.tenant_id)

    async def change() -> None:
        await registry_here.revoke(kept.token)
        for token in (parent.token, operator):
            await rotate(both, registry_here.token_id(token))
        await registry_here.set_quota(parent.tenant_id, 3)
        issued.append(await registry_here.issue_token(parent.tenant_id, kept.tenant_id))
        issued.append((await registry_here.create_tenant(f"{parent.name} 3", parent.tenant_id)).token)
        service = await both.databases[HERE].connect_as_api()
        async with presenting(service, parent.token):
            await service.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", gone.tenant_id)
        await service.close()

    async with as_admin(both, HERE) as here:
        # So long ago that the last copy of tokens does not include them by the time of their issue.
        old = "UPDATE tenancy_private.access_tokens SET created_at = 'yesterday' WHERE organization_id = $1"
        await here.execute(old, parent.tenant_id)
    await moved(both, parent.tenant_id, at={MoveStep.COPIED: change})
    assert [(await home_of(both, token))[THERE] for token in issued] == ["yes", "yes"]
    async with as_admin(both, THERE) as there:
        soon = (
            "SELECT expires_at < now() + interval '10 minutes' FROM tenancy_private.access_tokens WHERE token_id = $1"
        )
        for token in (parent.token, view):
            assert await there.fetchval(soon, registry_here.token_id(token))
    for token in (gone.token, kept.token):
        assert await home_of(both, token) == {HERE: "28000", THERE: "28000"}
    async with as_admin(both, THERE) as there:
        quota = "SELECT max_subsidiaries FROM tenancy_private.quotas WHERE organization_id = $1"
        assert await there.fetchval(quota, parent.tenant_id) == 3


async def rotate(both: TwoServers, token_id: UUID) -> None:
    """Rotate a token on the first server; the former ends soon."""
    operator = await both.databases[HERE].connect_as_operator()
    rotated = "SELECT tenancy.rotate_token($1, sha256(gen_random_uuid()::text::bytea), '1 hour', '5 minutes')"
    assert await operator.fetchval(rotated, token_id)
    await operator.close()


async def test_a_view_ends_with_its_operator_after_a_move(both: TwoServers, registry_here: Registry) -> None:
    """Rotating or revoking the operator's token on both servers, as the commands do, ends a view token that moved."""
    hsbc = await filled_organization(both, registry_here)
    head = hsbc.parent.tenant_id
    operator = await registry_here.issue_operator_token()
    view = await registry_here.issue_view_token(operator, head, head)
    reader = await registry_here.issue_token(head, head, may_write=False)
    await moved(both, head)
    assert [(await home_of(both, token))[THERE] for token in (view, reader)] == ["yes", "yes"]
    service = await both.databases[THERE].connect_as_api()
    for token in (view, reader):
        error = await error_of(attempt(service, token, "UPDATE tenancy.tenants SET name = name"))
        assert error.sqlstate == READ_ONLY_TOKEN
    await service.close()
    rotate_there = "SELECT tenancy.rotate_token($1, sha256('successor'), '1 hour', '5 minutes') IS NULL"
    end = "SELECT expires_at < now() + interval '10 minutes' FROM tenancy_private.access_tokens WHERE token_id = $1"
    async with as_admin(both, THERE) as there:
        assert await there.fetchval(rotate_there, registry_here.token_id(operator))
        assert await there.fetchval(end, registry_here.token_id(view))
    for label in (HERE, THERE):
        connection = await both.databases[label].connect_as_operator()
        assert await connection.fetchval("SELECT tenancy.revoke_token($1)", registry_here.token_id(operator))
        await connection.close()
    assert (await home_of(both, view))[THERE] == "28000"


async def test_the_end_of_a_moved_token_is_known_where_it_was(both: TwoServers, registry_here: Registry) -> None:
    """After its end the first server says that the token is not valid; issuing tokens deletes what is kept of it."""
    hsbc = await filled_organization(both, registry_here)
    await moved(both, hsbc.parent.tenant_id)
    async with as_admin(both, HERE) as here:
        count = "SELECT count(*) FROM tenancy_private.moved_tokens WHERE expires_at < now()"
        await here.execute("UPDATE tenancy_private.moved_tokens SET expires_at = now() - interval '1 s'")
        assert (await home_of(both, hsbc.parent.token))[HERE] == "28000"
        assert await here.fetchval(count) >= 3
        await registry_here.issue_operator_token()
        while await here.fetchval(count):
            await registry_here.issue_operator_token()


async def test_a_table_whose_key_does_not_name_the_organisation(both: TwoServers, registry_here: Registry) -> None:
    """Its changes follow, too; its replica identity is as before afterwards; drawn numbers go on where they were."""
    hsbc = await registry_here.create_organization("HSBC")
    create = """
        CREATE TABLE tenancy.notes (
            note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid NOT NULL,
            tenant_id uuid NOT NULL, note text
        );
        CREATE INDEX ON tenancy.notes (organization_id, tenant_id);
        CALL tenancy.protect_tenant_table('tenancy.notes', ARRAY['note'], ARRAY['note']);
    """
    insert = "INSERT INTO tenancy.notes (organization_id, tenant_id, note) VALUES ($1, $1, $2) RETURNING note_id"
    async with as_admin(both, HERE) as here, as_admin(both, THERE) as there:
        try:
            for connection in (here, there):
                await connection.execute(create)
            for number in range(5):
                await here.execute(insert, hsbc.parent.tenant_id, f"note {number}")

            async def change() -> None:
                await here.execute("UPDATE tenancy.notes SET note = 'changed' WHERE note = 'note 1'")
                await here.execute("DELETE FROM tenancy.notes WHERE note = 'note 2'")
                await here.execute(insert, hsbc.parent.tenant_id, "late")

            await moved(both, hsbc.parent.tenant_id, at={MoveStep.COPIED: change})
            notes = [tuple(row) for row in await there.fetch("SELECT note_id, note FROM tenancy.notes ORDER BY 1")]
            assert notes == [(1, "note 0"), (2, "changed"), (4, "note 3"), (5, "note 4"), (6, "late")]
            assert await there.fetchval(insert, hsbc.parent.tenant_id, "new") == 7
            assert await here.fetchval("SELECT count(*) FROM tenancy.notes") == 0
            assert await traces(both) == []
        finally:
            for connection in (here, there):
                await connection.execute("DROP TABLE IF EXISTS tenancy.notes")


@pytest.mark.parametrize("step", [MoveStep.SUBSCRIBED, MoveStep.REHEARSED])
async def test_references_are_checked(both: TwoServers, registry_here: Registry, step: MoveStep) -> None:
    """A row that refers to one which only the source has stops the move, whenever it was written."""
    hsbc = await registry_here.create_organization("HSBC")
    create = """
        CREATE TABLE public.currencies (currency text PRIMARY KEY);
        CREATE TABLE tenancy.prices (
            organization_id uuid NOT NULL, tenant_id uuid NOT NULL, currency text REFERENCES public.currencies,
            PRIMARY KEY (organization_id, tenant_id)
        );
    """
    async with as_admin(both, HERE) as here, as_admin(both, THERE) as there:

        async def refer() -> None:
            await here.execute("INSERT INTO public.currencies VALUES ('EUR')")
            await here.execute("INSERT INTO tenancy.prices VALUES ($1, $1, 'EUR')", hsbc.parent.tenant_id)

        for connection in (here, there):
            await connection.execute(create)
        try:
            with pytest.raises(MoveError, match="prices_currency_fkey"):
                await moved(both, hsbc.parent.tenant_id, at={step: refer})
            assert await traces(both) == []
        finally:
            for connection in (here, there):
                await connection.execute("DROP TABLE tenancy.prices, public.currencies")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE tenancy.accounts SET balance = balance + 1 WHERE organization_id = $1", "tenancy.accounts"),
        ("UPDATE tenancy_private.access_tokens SET label = 'x' WHERE organization_id = $1", "tenancy_private.access_"),
        (
            "INSERT INTO tenancy_private.idempotency_keys VALUES ($1, 'another', sha256(''))",
            "tenancy_private.idempotency_keys",
        ),
        ("DELETE FROM tenancy.tenants WHERE organization_id <> tenant_id AND organization_id = $1", "3 rows, there 1"),
    ],
)
async def test_the_copy_is_compared_before_the_switch(
    both: TwoServers, registry_here: Registry, change: str, named: str
) -> None:
    """A row that is not the same there stops the move, and undoes it: the organisation goes on where it is."""
    hsbc = await filled_organization(both, registry_here)
    organization_id = hsbc.parent.tenant_id

    async def disturb() -> None:
        async with as_admin(both, THERE) as there, there.transaction():
            await there.execute("SET LOCAL session_replication_role = replica")
            await there.execute(change, organization_id)

    async with as_admin(both, HERE) as here, as_admin(both, THERE) as there:
        before = await rows_of(here, organization_id)
        with pytest.raises(MoveError, match=named):
            await moved(both, organization_id, at={MoveStep.FROZEN: disturb})
        assert await rows_of(here, organization_id) == before
        assert await rows_of(there, organization_id) == {}
    assert await traces(both) == []
    assert await home_of(both, hsbc.parent.token) == {HERE: "yes", THERE: "28000"}


async def test_only_writes_of_the_organisation_are_refused(both: TwoServers, registry_here: Registry) -> None:
    """In the pause its reads and others' writes go on; its writes fail with a temporary error, of operators as well."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    operator_token = await registry_here.issue_operator_token()
    rename = "UPDATE tenancy.tenants SET metadata = '{}' WHERE organization_id = $1"
    head = hsbc.parent.tenant_id
    writes = (
        "UPDATE tenancy.tenants SET metadata = '{}'",
        f"INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ('subsidiary', '{head}', 'New')",
        f"DELETE FROM tenancy.tenants WHERE tenant_id = '{hsbc.subsidiaries[0].tenant_id}'",
        "UPDATE tenancy.accounts SET balance = 9",
    )
    service = await both.databases[HERE].connect_as_api()

    async def write() -> None:
        for statement in writes:
            with pytest.raises(asyncpg.OperatorInterventionError):
                async with presenting(service, hsbc.parent.token):
                    await service.execute(statement)
        with pytest.raises(asyncpg.OperatorInterventionError):
            async with presenting(service, operator_token, as_platform=True):
                await service.execute(rename, hsbc.parent.tenant_id)
        with pytest.raises(asyncpg.OperatorInterventionError):
            await registry_here.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
        async with presenting(service, hsbc.parent.token):
            assert await service.fetchval("SELECT count(*) FROM tenancy.tenants") == 3
        async with presenting(service, barclays.parent.token):
            assert await service.execute("UPDATE tenancy.tenants SET metadata = '{}'") == "UPDATE 3"

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.FROZEN: write})
    await service.close()
