"""Commands as an administrator runs them."""

from tests.support.mtdb import Outcome, mtdb, settings_for
from tests.support.test_database import TestDatabase


def administrators_settings(database: TestDatabase, **changes: str) -> dict[str, str]:
    """Return the environment with a superuser's URL."""
    url = database.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    return settings_for(database, **{"MTDB_DATABASE_URL": url} | changes)


async def administer(database: TestDatabase, *arguments: str, **changes: str) -> Outcome:
    """Run a command with a superuser's URL."""
    return await mtdb(*arguments, env=administrators_settings(database, **changes))
