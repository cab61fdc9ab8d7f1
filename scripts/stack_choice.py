"""Where the development database shall run: on an administrator's server, in Docker, or embedded."""

import os
import sys

from docker_stack import compose_is_there, engine_answers, is_unwanted, require_compose

from multi_tenant_db.development import EmbeddedPostgres

ADMIN_URL = os.environ.get("MTDB_DATABASE_URL", "")
WITHOUT_DOCKER = (
    "To do without Docker, with new data: `make down`, remove .local/development.env, "
    "and run `MTDB_NO_DOCKER=1 make up`."
)


def choose_stack(before: str | None) -> str:
    """Return what to run, and end with a line rather than leave data in Docker behind."""
    if ADMIN_URL:
        return "external"
    if not engine_answers():
        if before == "docker":
            _leave_docker()
        return "embedded"
    if before == "docker":
        require_compose()
    elif not compose_is_there():
        print("Docker: not used, there is no `docker compose` v2", flush=True)
        return "embedded"
    return "docker"


def say_what_stays() -> None:
    """Say where the embedded server's data is while Docker is used, and how to go on with it."""
    folder = EmbeddedPostgres.for_development().folder
    print(
        f"Docker: has data of its own. The data so far stays unused in {folder}; "
        "`MTDB_NO_DOCKER=1 make up` goes on with it.",
        flush=True,
    )


def _leave_docker() -> None:
    """Allow it to who asks for it and has embedded data to go on with."""
    if not is_unwanted():
        sys.exit(
            "error: the data of this checkout is in Docker, whose engine does not answer: start it. For new data "
            "without it, remove .local/development.env first; a later `make reset` with the engine deletes the old."
        )
    if not EmbeddedPostgres.for_development().data.exists():
        sys.exit(
            f"error: the data of this checkout is in Docker: to go on with it, unset MTDB_NO_DOCKER. {WITHOUT_DOCKER}"
        )
