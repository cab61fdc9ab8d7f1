"""Alembic, as its command line would run it."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from alembic import command
from alembic.config import Config
from sqlalchemy import URL


def migrate(admin_url: URL, revision: str = "head") -> None:
    """Upgrade to a revision; call it in a thread, since alembic runs a loop of its own."""
    with environment(admin_url):
        command.upgrade(Config("alembic.ini"), revision)


def roll_back(admin_url: URL, revision: str = "base") -> None:
    """Downgrade to a revision; call it in a thread."""
    with environment(admin_url):
        command.downgrade(Config("alembic.ini"), revision)


@contextmanager
def environment(admin_url: URL) -> Iterator[None]:
    """Set MTDB_DATABASE_URL for as long as it is entered."""
    with patch.dict("os.environ", MTDB_DATABASE_URL=admin_url.render_as_string(hide_password=False)):
        yield
