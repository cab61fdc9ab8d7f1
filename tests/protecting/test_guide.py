"""The commands of the guide lead from a table that its application owns to a protected one."""

import re
import shlex

from tests.protecting.legacy_table import LegacyTable
from tests.support.mtdb import mtdb, settings_for
from tests.support.sources import ROOT

GUIDE = (ROOT / "docs" / "how-to" / "protect-an-existing-table.md").read_text(encoding="utf-8")


async def test_the_guides_commands(legacy: LegacyTable) -> None:
    """Each is run as it stands, with this application's role; the last one finds nothing."""
    (hand_over,) = re.findall(r"^```sql\n(BEGIN;.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^mtdb (.*)$", GUIDE, re.MULTILINE)
    assert [command.split()[:2] for command in commands] == [
        *(["table", step] for step in ("prepare", "backfill", "validate", "shadow", "enforce")),
        ["check"],
    ]
    await legacy.admin.execute(
        f"REVOKE ALL ON tenancy.payments FROM {legacy.role}; GRANT USAGE ON SCHEMA public TO {legacy.role}"
    )
    await legacy.admin.execute("ALTER TABLE tenancy.payments SET SCHEMA public")
    await legacy.admin.execute(f"ALTER TABLE public.payments OWNER TO {legacy.role}")
    await legacy.admin.execute(hand_over.replace("payments_app", legacy.role))
    application = await legacy.connect()
    assert await application.fetchval("SELECT count(*) FROM payments") == 18
    await application.close()

    url = legacy.database.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    outputs = []
    for command in commands:
        changes = {"MTDB_DATABASE_URL": url} if command.startswith("table") else {}
        outcome = await mtdb(*shlex.split(command), env=settings_for(legacy.database, **changes))
        assert outcome.exit_code == 0, outcome.stderr
        outputs.append(outcome.stdout)
    assert "table-unfinished" not in outputs[-1]
