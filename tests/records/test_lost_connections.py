"""A connection that breaks: what is said is what is known."""

import asyncpg
import pytest

from multi_tenant_db.cli import tenant_scope
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.records import certification
from multi_tenant_db.records.erased_scope import ErasedScope
from multi_tenant_db.records.erasure import erase
from multi_tenant_db.records.scope import Scope
from multi_tenant_db.records.verifying import verify
from tests.records.commands import administer
from tests.records.documents import filled_organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

END_ITSELF = "SELECT pg_terminate_backend(pg_backend_pid())"


async def test_a_connection_lost_at_the_end_is_not_called_nothing(
    here: TestDatabase, registry_here: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the erasure the session ends: the command does not say that nothing was erased, and the id shows it."""
    hsbc = await filled_organization(here, registry_here)

    async def erase_and_lose(connection: asyncpg.Connection, scope: Scope) -> ErasedScope:
        erased = await erase(connection, scope)
        await connection.execute(END_ITSELF)
        return erased

    with monkeypatch.context() as patch:
        patch.setattr(certification, "erase", erase_and_lose)
        outcome = await administer(here, "tenant", "erase", hsbc.parent.name, "--yes")
    assert outcome.exit_code in {ExitCode.FAILED, ExitCode.NO_DATABASE}
    assert "it may have been erased; run the command again, with the id" in outcome.complaint
    again = await administer(here, "tenant", "erase", str(hsbc.parent.tenant_id), "--yes", "--json")
    assert again.json["complete"] is True


async def test_a_connection_lost_while_verifying_is_no_certificate(
    here: TestDatabase, registry_here: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate says that nothing was verified, though the erasure is committed."""
    hsbc = await filled_organization(here, registry_here)

    async def lose(connection: asyncpg.Connection, erased: ErasedScope) -> None:
        await connection.execute(END_ITSELF)
        await verify(connection, erased)

    monkeypatch.setattr(certification, "verify", lose)
    outcome = await administer(here, "tenant", "erase", hsbc.parent.name, "--yes", "--json")
    assert outcome.exit_code == ExitCode.FAILED
    assert (outcome.json["complete"], outcome.json["verification"]) == (False, None)
    assert "erased, but not verified" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("erase", "HSBC", "--yes"), "a server refused (no): nothing was erased"),
        (("export", "HSBC", "--to", "new"), "a server refused (no): nothing was exported"),
    ],
)
async def test_a_refusal_changes_nothing(
    here: TestDatabase, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    """An error of the server ends the command in one line, without a traceback."""

    async def refuse(*_arguments: object, **_options: object) -> None:
        raise asyncpg.PostgresError("no")

    monkeypatch.setattr(tenant_scope, "find_scopes", refuse)
    outcome = await administer(here, "tenant", *arguments)
    assert (outcome.exit_code, outcome.complaint) == (ExitCode.FAILED, f"mtdb: {said}")
