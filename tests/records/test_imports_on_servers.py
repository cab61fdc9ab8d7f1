"""Imports with several servers in the settings."""

from pathlib import Path

from multi_tenant_db.cli.exit_code import ExitCode
from tests.records.commands import administrators_settings
from tests.support.mtdb import mtdb
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


async def test_of_several_servers_one_is_named(there: TestDatabase, tmp_path: Path) -> None:
    """With two servers in the settings, --server says which one the organisation goes to."""
    environment = administrators_settings(there, COLUMNS="400")
    environment["MTDB_SERVERS__B"] = environment["MTDB_DATABASE_URL"]
    outcome = await mtdb("tenant", "import", str(tmp_path), env=environment)
    assert (outcome.exit_code, "--server default|b" in outcome.stderr) == (ExitCode.USAGE, True)
    outcome = await mtdb("tenant", "import", str(tmp_path / "no"), "--server", "b", env=environment)
    assert "there is no folder" in outcome.complaint


async def test_what_another_server_has_is_not_imported(
    here: TestDatabase, there: TestDatabase, registry_here: Registry, tmp_path: Path
) -> None:
    """The same ids on two servers would be two organisations; a server that is away may have them."""
    bank = (await registry_here.create_organization("Bank", 1)).parent
    both = administrators_settings(there, MTDB_SERVERS__B=administrators_settings(here)["MTDB_DATABASE_URL"])
    await mtdb("tenant", "export", str(bank.tenant_id), "--to", str(tmp_path / "bank"), env=both)
    import_it = ("tenant", "import", str(tmp_path / "bank"), "--server", "default")
    outcome = await mtdb(*import_it, env=both)
    assert outcome.exit_code == ExitCode.FAILED
    assert f"server b has the organisation {bank.name} already; `mtdb organization move`" in outcome.complaint
    outcome = await mtdb(*import_it, env=both | {"MTDB_SERVERS__B": "postgresql://127.0.0.1:1/tenancy"})
    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert "cannot be reached" in outcome.complaint
    listed = await mtdb(
        "tenant", "list", "--organization", str(bank.tenant_id), "--server", "default", "--json", env=both
    )
    assert listed.json["items"] == []
