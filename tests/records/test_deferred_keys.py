"""Deferrable unique constraints hold in an import, too."""

from pathlib import Path

import asyncpg
import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from tests.records.commands import administer
from tests.records.documents import filled_organization
from tests.records.exported import exported
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

ADD = "ALTER TABLE tenancy.settings_of_organizations ADD CONSTRAINT own_preference UNIQUE {} (preference) DEFERRABLE"
DROP = "ALTER TABLE tenancy.settings_of_organizations DROP CONSTRAINT own_preference"
TAKE = "INSERT INTO tenancy.settings_of_organizations VALUES (gen_random_uuid(), $1)"


@pytest.mark.parametrize("nulls", ["", "NULLS NOT DISTINCT"])
async def test_a_deferrable_key_is_not_stored_twice(  # noqa: PLR0913, PLR0917 - fixtures
    here: TestDatabase,
    there: TestDatabase,
    registry_here: Registry,
    admin: asyncpg.Connection,
    admin_there: asyncpg.Connection,
    tmp_path: Path,
    nulls: str,
) -> None:
    """A key that another organisation's row has refuses the import, and one that is free does not."""
    hsbc = await filled_organization(here, registry_here)
    head = hsbc.parent.tenant_id
    preference = f"of {head}"
    await admin.execute(
        "UPDATE tenancy.settings_of_organizations SET preference = $2 WHERE organization_id = $1", head, preference
    )
    await exported(admin, hsbc.parent, tmp_path / "hsbc")
    await admin_there.execute("DELETE FROM tenancy.settings_of_organizations")
    await admin_there.execute(ADD.format(nulls))
    try:
        await admin_there.execute(TAKE, preference)
        outcome = await administer(there, "tenant", "import", str(tmp_path / "hsbc"))
        assert outcome.exit_code == ExitCode.FAILED
        assert "tenancy.settings_of_organizations would have a key twice (own_preference)" in outcome.complaint
        await admin_there.execute("DELETE FROM tenancy.settings_of_organizations")
        assert (await administer(there, "tenant", "import", str(tmp_path / "hsbc"))).exit_code == 0
    finally:
        await admin_there.execute(DROP)
