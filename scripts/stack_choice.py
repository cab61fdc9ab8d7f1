"""Selects where the development database runs: on an external server, in Docker, or embedded."""

import sys

from administrator import ADMIN_URLS
from docker_stack import compose_is_there, engine_answers, is_unwanted, require_compose

from multi_tenant_db.development import EmbeddedPostgres

WITHOUT_DOCKER = (
    "To work without Docker, with new data: `make down`, remove .local/development.env, "
    "and run `MTDB_NO_DOCKER=1 make up`."
)


def choose_stack(before: str | None) -> str:
    """Return the stack to run; exit with a message if this would abandon data in Docker."""
    if ADMIN_URLS:
        return "external"
    if not engine_answers():
        if before == "docker":
            _leave_docker()
        return "embedded"
    if before == "docker":
        require_compose()
    elif not compose_is_there():
        print("Docker: not used, `docker compose` v2 is missing", flush=True)
        return "embedded"
    return "docker"


def report_kept_data() -> None:
    """Print where the embedded server's data is while Docker is used, and how to use it."""
    folder = EmbeddedPostgres.for_development().folder
    print(
        f"Docker: has its own data. The embedded server's data is kept in {folder}; "
        "`MTDB_NO_DOCKER=1 make up` uses it.",
        flush=True,
    )


def _leave_docker() -> None:
    """Exit with a message, unless Docker is forbidden and there is embedded data."""
    if not is_unwanted():
        sys.exit(
            "error: the data of this checkout is in Docker, whose engine is unavailable: start it. For new data "
            "without Docker, remove .local/development.env first; a later `make reset` with Docker deletes the old."
        )
    if not EmbeddedPostgres.for_development().data.exists():
        sys.exit(f"error: the data of this checkout is in Docker: to use it, unset MTDB_NO_DOCKER. {WITHOUT_DOCKER}")
