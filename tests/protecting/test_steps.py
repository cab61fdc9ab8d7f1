"""`mtdb table` protects a table with rows, step by step; each step can be undone and refuses what it cannot do."""

import pytest

from tests.protecting.legacy_table import STEPS, LegacyTable
from tests.support.catalogue import describe
from tests.support.mtdb import mtdb, settings_for

INSERT = "INSERT INTO tenancy.payments (tenant_id, reference, amount) VALUES ($1, 'new', 1)"
COPIED = "SELECT count(*) FROM tenancy_private.organizations_of_tenants"
IS_FOLLOWED = "SELECT tgenabled <> 'D' FROM pg_trigger WHERE tgname = 'tenants_remember_organization'"


async def state(legacy: LegacyTable) -> tuple[frozenset[str], int, bool]:
    """Return what the catalogue says, and what the owner has copied of the tenants."""
    return (
        frozenset(await describe(legacy.admin)),
        await legacy.admin.fetchval(COPIED),
        await legacy.admin.fetchval(IS_FOLLOWED),
    )


async def test_the_table_is_protected_and_every_step_can_be_undone(legacy: LegacyTable) -> None:
    """After the last step the lint is clean, no row is lost or wrong; undone, the catalogue is as before each step."""
    before = []
    for command, *options in STEPS:
        before.append(await state(legacy))
        outcome = await legacy.run(command, *options)
        assert (outcome.exit_code, outcome.stdout.count("\n")) == (0, 1), outcome.stderr
    assert (await mtdb("check", env=settings_for(legacy.database))).stderr == ""
    assert await legacy.wrong_rows() == 0
    assert await legacy.admin.fetchval("SELECT count(*) FROM tenancy.payments") == 18
    assert await legacy.admin.fetchval(COPIED) == 0
    assert not await legacy.admin.fetchval(IS_FOLLOWED)

    del before[1]  # the backfill changes rows only
    for wanted in reversed(before):
        outcome = await legacy.run("undo")
        assert outcome.exit_code == 0, outcome.stderr
        found = await state(legacy)
        assert found[0] ^ wanted[0] == set()
        assert found[1:] == wanted[1:]
    assert await legacy.admin.fetchval("SELECT sum(changes) FROM tenancy.payments") == 0


@pytest.mark.parametrize(
    ("done", "command", "complaint"),
    [
        ((), "backfill", "is untouched; next: prepare"),
        ((), "enforce", "is untouched; next: prepare"),
        (("prepare",), "prepare", "is prepared; next: backfill, then validate"),
        (("prepare",), "validate", "has rows without an organisation: run `mtdb table backfill tenancy.payments`"),
        (("prepare", "backfill", "validate"), "enforce", "is validated; next: shadow"),
    ],
)
async def test_the_steps_have_an_order(
    legacy: LegacyTable, done: tuple[str, ...], command: str, complaint: str
) -> None:
    """A step that is not the next one is refused, and the next one is named."""
    await legacy.do(*done)
    outcome = await legacy.run(command)
    assert outcome.exit_code == 1
    assert complaint in outcome.complaint
