"""`mtdb token` on several servers: a tenant's token is issued, listed and revoked where the tenant is."""

from uuid import uuid4

import asyncpg
import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.identity.access_token import server_of
from tests.support.mtdb import mtdb
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


async def new_organization(database: TestDatabase) -> Organization:
    """Make a bank on one of the servers."""
    operator = await database.connect_as_operator()
    organization = await Registry(operator).create_organization(f"Bank {uuid4().hex[:8]}")
    await operator.close()
    return organization


async def signs_in(database: TestDatabase, token: str) -> str:
    """Return as whom the database knows the token's holder."""
    connection = await database.connect_as_api()
    try:
        return str(await connection.fetchval("SELECT caller_role FROM tenancy.sign_in($1)", token))
    finally:
        await connection.close()


@pytest.mark.parametrize("by", ["name", "id"])
async def test_a_token_names_the_tenants_server(
    both: dict[str, str], own: TestDatabase, other: TestDatabase, by: str
) -> None:
    """The tenant is found on whichever server it is; its token carries the label and is valid there alone."""
    for label, database, elsewhere in (("default", own, other), ("b", other, own)):
        parent = (await new_organization(database)).parent
        given = parent.name if by == "name" else str(parent.tenant_id)
        outcome = await mtdb("token", "issue", given, "--quiet", env=both)
        token = outcome.stdout.strip()

        assert (outcome.exit_code, outcome.stderr, server_of(token)) == (0, "", label)
        assert await signs_in(database, token) == "parent"
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await signs_in(elsewhere, token)


async def test_a_name_on_two_servers_is_refused_with_the_ids(
    both: dict[str, str], own: TestDatabase, other: TestDatabase
) -> None:
    """The line gives each id with its server; an id, or --server, chooses."""
    name = f"Twins {uuid4().hex[:8]}"
    insert = "INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', $1) RETURNING tenant_id"
    ids = []
    for database in (own, other):
        admin = await database.connect_as_admin()
        ids.append(await admin.fetchval(insert, name))
        await admin.close()
    refused = await mtdb("token", "issue", name, env=both)
    by_id = await mtdb("token", "issue", str(ids[1]), "-q", env=both)
    by_server = await mtdb("token", "issue", name, "-q", "--server", "default", env=both)

    assert refused.exit_code == ExitCode.FAILED
    assert refused.complaint.endswith(f"use an id: {ids[0]} on default, {ids[1]} on b")
    assert [server_of(outcome.stdout.strip()) for outcome in (by_id, by_server)] == ["b", "default"]


async def test_a_tenant_on_two_servers_needs_the_server(
    both: dict[str, str], own: TestDatabase, other: TestDatabase
) -> None:
    """While an organisation is being moved, its id is on both servers."""
    tenant_id = uuid4()
    for database in (own, other):
        admin = await database.connect_as_admin()
        insert = "INSERT INTO tenancy.tenants (tenant_id, tenant_type, name) VALUES ($1, 'parent', 'Moving bank')"
        await admin.execute(insert, tenant_id)
        await admin.close()
    refused = await mtdb("token", "issue", str(tenant_id), env=both)
    chosen = await mtdb("token", "issue", str(tenant_id), "-q", "--server", "b", env=both)

    assert refused.exit_code == ExitCode.FAILED
    assert refused.complaint.endswith(f"choose one with --server: {tenant_id} on default, {tenant_id} on b")
    assert server_of(chosen.stdout.strip()) == "b"


async def test_a_platform_operators_token_belongs_to_one_server(both: dict[str, str], other: TestDatabase) -> None:
    """Without --server it is wrong usage; with it, the token carries the label and reaches that server."""
    issue = ("token", "issue", "--platform-operator", "-q")
    refused = await mtdb(*issue, env=both | {"COLUMNS": "200"})
    issued = await mtdb(*issue, "--server", "b", env=both)

    assert (refused.exit_code, refused.stdout) == (ExitCode.USAGE, "")
    assert "one server: name it with --server default|b" in refused.stderr
    assert server_of(issued.stdout.strip()) == "b"
    assert await signs_in(other, issued.stdout.strip()) == "platform_operator"


async def test_a_name_is_refused_while_a_server_is_away(one_away: dict[str, str], other: TestDatabase) -> None:
    """Another tenant of that name may be on the server that is away: the line gives the id, which is enough."""
    parent = (await new_organization(other)).parent
    by_name = await mtdb("token", "issue", parent.name, env=one_away)
    by_id = await mtdb("token", "issue", str(parent.tenant_id), "-q", env=one_away)
    unknown = await mtdb("token", "issue", "Bank of nowhere", env=one_away)

    assert (by_name.exit_code, by_name.stdout) == (ExitCode.NO_DATABASE, "")
    away, advice = by_name.stderr.splitlines()
    assert away.startswith("mtdb: server c: the database cannot be reached")
    assert advice.endswith(f"use the id: {parent.tenant_id} on b")
    assert (by_id.exit_code, server_of(by_id.stdout.strip())) == (0, "b")
    assert unknown.exit_code == ExitCode.NO_DATABASE
    assert "there is no tenant 'Bank of nowhere' on the other servers" in unknown.stderr


async def test_the_list_is_one_for_all_servers(
    both: dict[str, str], one_away: dict[str, str], own: TestDatabase, other: TestDatabase
) -> None:
    """Tokens of all servers stand in the order of their issue, each with its server; the newest are kept."""
    banks = [(await new_organization(database)).parent for database in (own, other, own)]
    for number, bank in enumerate(banks):
        issue = ("token", "issue", str(bank.tenant_id), "--label", f"in turn {number}")
        assert (await mtdb(*issue, env=both)).exit_code == 0
    every = await mtdb("token", "list", "--json", env=both)
    newest = await mtdb("token", "list", "--json", "--limit", "2", env=both)
    with_one_away = await mtdb("token", "list", "--json", env=one_away)
    one = await mtdb("token", "list", "--json", "--server", "b", env=both)
    narrow, table = [await mtdb("token", "list", env=both | {"COLUMNS": width}) for width in ("80", "120")]

    issued = [(row["tenant"], row["server"]) for row in every.json if row["label"].startswith("in turn ")]
    assert issued == [(bank.name, label) for bank, label in zip(banks, ("default", "b", "default"), strict=True)]
    assert [row["label"] for row in newest.json] == ["in turn 1", "in turn 2"]
    assert "only the newest 2 are listed" in newest.stderr
    assert (with_one_away.exit_code, with_one_away.json) == (ExitCode.NO_DATABASE, every.json)
    assert {row["tenant"] for row in one.json if row["label"].startswith("in turn ")} == {banks[1].name}
    assert "server" not in one.json[0]
    heading, *lines = table.stdout.splitlines()
    assert "tenant; server" in heading
    assert max(map(len, narrow.stdout.splitlines())) <= 80
    after = lines[next(number for number, line in enumerate(lines) if banks[1].name in line) + 1]
    assert after.split()[-1] == "b"


async def test_a_token_is_revoked_wherever_it_is(
    both: dict[str, str], one_away: dict[str, str], own: TestDatabase, other: TestDatabase
) -> None:
    """An id alone is enough; a server that is away is named, since the token could be there, too."""
    for env, exit_code in ((both, 0), (one_away, ExitCode.NO_DATABASE)):
        for database in (own, other):
            parent = (await new_organization(database)).parent
            issued = (await mtdb("token", "issue", str(parent.tenant_id), "--json", env=both)).json
            outcome = await mtdb("token", "revoke", issued["token_id"], env=env)

            assert (outcome.exit_code, outcome.stdout) == (exit_code, f"token {issued['token_id']} is revoked\n")
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await signs_in(database, issued["token"])
    unknown = [await mtdb("token", "revoke", str(uuid4()), env=env) for env in (both, one_away)]
    assert [outcome.exit_code for outcome in unknown] == [ExitCode.FAILED, ExitCode.NO_DATABASE]
    assert "there is no unrevoked token" in unknown[0].complaint
    assert "on the other servers" in unknown[1].stderr


async def test_the_dead_of_all_servers_are_purged(one_away: dict[str, str], other: TestDatabase) -> None:
    """Each server has a line with its number; one that is away is named."""
    await mtdb("token", "purge", env=one_away)
    admin = await other.connect_as_admin()
    await admin.execute(
        "INSERT INTO tenancy_private.access_tokens (token_hash, role, label, created_at, expires_at)"
        " VALUES (sha256('x'), 'platform_operator', 'old', now() - interval '40 days', now() - interval '32 days')"
    )
    await admin.close()
    outcome = await mtdb("token", "purge", env=one_away)

    assert (outcome.exit_code, outcome.stdout) == (
        ExitCode.NO_DATABASE,
        "".join(
            f"server {label}: {n} tokens and idempotency keys were deleted\n" for label, n in (("default", 0), ("b", 1))
        ),
    )
    assert outcome.stderr.startswith("mtdb: server c: the database cannot be reached")
