"""Paths of the migrations and of `create_roles.sql`: in the installed package or in the checkout."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parents[1]


def migrations() -> Path:
    """Return the folder of Alembic's environment."""
    return _first(PACKAGE / "installed" / "migrations", CHECKOUT / "migrations")


def roles_script() -> Path:
    """Return the path of `create_roles.sql`."""
    return _first(PACKAGE / "installed" / "create_roles.sql", CHECKOUT / "scripts" / "create_roles.sql")


def _first(*places: Path) -> Path:
    return next((place for place in places if place.exists()), places[-1])
