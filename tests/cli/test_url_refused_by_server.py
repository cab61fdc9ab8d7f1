"""What only the server can find wrong with MTDB_DATABASE_URL is a line, too, whichever command connects."""

import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from tests.support.mtdb import mtdb, settings_for
from tests.support.test_database import TestDatabase

OPTIONS = {
    "-cfoo%3Dbar": 'unrecognized configuration parameter "foo"',
    "-cstatement_timeout%3Dabc": 'invalid value for parameter "statement_timeout": "abc"',
    "-x": "command-line argument",
    "-cstatement_timeout%3D-5": "outside the valid range",
    "-cdata_directory%3Dx": "cannot be changed",
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("command", ["check", "serve", "token list", "audit", "seed", "migrate"])
async def test_options_that_the_server_refuses(database: TestDatabase, command: str, options: str) -> None:
    """The line has the server's reason and names the setting."""
    environment = settings_for(database)
    if command == "migrate":
        environment["MTDB_DATABASE_URL"] = database.admin_url.set(drivername="postgresql").render_as_string(
            hide_password=False
        )
    environment["MTDB_DATABASE_URL"] += f"?options={options}"
    outcome = await mtdb(*command.split(), env=environment)

    assert OPTIONS[options] in outcome.complaint
    assert "MTDB_DATABASE_URL" in outcome.complaint
    assert outcome.exit_code == ExitCode.USAGE
