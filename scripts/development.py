"""Runs the development stack: development.py up|down|logs|reset|seed [OPTIONS]|migrate|token [TENANT].

There are three stacks: the server in the environment's MTDB_DATABASE_URL, and those in MTDB_SERVERS__B and so on, as
an administrator; otherwise Docker Compose, if an engine is available; otherwise the embedded PostgreSQL. The file
.local/development.env stores the choice.
"""

import asyncio
import fcntl
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import NoReturn

from administrator import ADMIN_URLS, URL_VARIABLES, admin_urls, close_other_databases, without_users
from development_environment import FILE, read_environment, write_environment
from docker_stack import (
    compose,
    compose_is_there,
    earlier_data,
    engine_answers,
    last_lines,
    require_compose,
    require_port,
    unreadable_source,
)
from local_api import MTDB, LocalApi
from local_servers import (
    DATABASE,
    LABELS,
    chosen_labels,
    delete_servers,
    given_servers,
    refuse_servers,
    servers_with_data,
    start_servers,
    stop_servers,
)
from stack_choice import WITHOUT_DOCKER, choose_stack, report_kept_data

from multi_tenant_db.development import EmbeddedPostgresError
from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.ports import free_port, is_taken
from multi_tenant_db.identity.access_token import server_of
from multi_tenant_db.server_label import url_variable
from multi_tenant_db.services.seed_service import read_sample_data


def port_of(variable: str, default: int) -> int:
    """Return the port in a variable; exit with a message if it is invalid."""
    given = os.environ.get(variable) or str(default)
    if not given.isdecimal() or not 0 < int(given) <= LAST_PORT:
        sys.exit(f"error: {variable}={given} is not a port: choose a number from 1 to {LAST_PORT}.")
    return int(given)


LAST_PORT = 65_535
PORT = port_of("PORT", 8000)
POSTGRES_PORT = port_of("POSTGRES_PORT", 54320)
IN_DOCKER = {"MTDB_DATABASE_URL": f"postgresql://127.0.0.1:{POSTGRES_PORT}/{DATABASE}"}


def up() -> None:
    """Start what is not running, migrate and seed, and print how to use it.

    On failure, what was started is stopped again, except containers.
    """
    before = read_environment().get("STACK")
    stack = choose_stack(before)
    if stack != "embedded":
        refuse_servers()
    labels = chosen_labels() if stack == "embedded" else ()
    if before not in {None, stack}:
        down()
    with ExitStack() as undo:
        if stack == "docker":
            up_in_containers(before)
        else:
            require_free_port(LocalApi())
            changed = up_embedded(labels, undo) if labels else up_external()
            up_api(undo, restart=changed or before != stack)
        undo.pop_all()
    print_usage()


def up_embedded(labels: Sequence[str], undo: ExitStack) -> bool:
    """Start the embedded servers and migrate their databases; return whether the API must be restarted."""
    changed = write_environment("embedded", start_servers(labels, POSTGRES_PORT, undo), PORT)
    migrate()
    return changed


def up_external() -> bool:
    """Migrate the databases of external servers; return whether the API must be restarted."""
    changed = write_environment("external", without_users(), PORT)
    migrate()
    return changed


def up_api(undo: ExitStack, *, restart: bool) -> None:
    """Seed, and start the API in the background if needed."""
    mtdb("seed")
    api = LocalApi()
    if restart:
        api.stop()
    if not api.pid:
        undo.callback(api.stop)
        api.start(environment())
    if not api.wait_until_healthy(PORT):
        sys.stderr.write("".join(api.log.read_text().splitlines(keepends=True)[-20:]))
        fail(f"the API does not become healthy; the end of its log ({api.log}) is above.")


def up_in_containers(before: str | None) -> None:
    """Build and start the containers; compose migrates and seeds before it starts the API."""
    if file := unreadable_source():
        fail(f"a container could not read {file}: `chmod -R go+rX src monitoring` (its umask was too strict).")
    require_port("PORT", PORT, "api", 8000)
    require_port("POSTGRES_PORT", POSTGRES_PORT, "postgres", 5432)
    if before == "embedded":
        report_kept_data()
    if volume := earlier_data():
        print(f"Data of an earlier version is kept in the Docker volume {volume}; this version starts with new data.")
    write_environment("docker", IN_DOCKER, PORT)
    if not (compose("build") and compose("up", "--detach", "--remove-orphans")):
        output = last_lines("postgres", "migrate", "seed")
        sys.stderr.write(output)
        if "password authentication failed" in output:
            fail("the volume's passwords are missing from .local/development.env: `make reset` deletes its data.")
        fail(f"docker compose failed, see above. {WITHOUT_DOCKER}")
    if not LocalApi().wait_until_healthy(PORT, containers=True):
        sys.stderr.write(last_lines("migrate", "seed", "api"))
        fail("the API does not become healthy; the end of its log is above.")
    asyncio.run(close_other_databases(admin_urls().values()))


def down() -> None:
    """Stop the API and the database; keep the data."""
    if read_environment().get("STACK") == "docker":
        require_compose()
        if not compose("--profile", "*", "down"):
            fail("docker compose failed, see above: the containers may still run.")
    LocalApi().stop()
    stop_servers()
    print("Stopped; the data is kept. `make up` starts again.")


def reset() -> None:
    """Delete the data and start with new data and new passwords, on as many servers as before."""
    stack = read_environment().get("STACK")
    if stack == "external" or ADMIN_URLS:
        fail("the data is on an external server, where nothing is deleted: drop its database yourself.")
    in_docker = stack == "docker" or (stack is None and engine_answers() and compose_is_there())
    if in_docker:
        refuse_servers()
        # Without the file, compose still needs its variables, with any values.
        write_environment("docker", IN_DOCKER, PORT)
    down()
    if in_docker and not compose("--profile", "*", "down", "--volumes"):
        fail("docker compose failed, see above: data and passwords are unchanged.")
    if not in_docker:
        os.environ["SERVERS"] = str(given_servers() or servers_with_data())
    delete_servers()
    FILE.unlink(missing_ok=True)
    up()


def logs() -> None:
    """Follow the API's log until interrupted."""
    if read_environment().get("STACK") == "docker":
        require_compose()
        if not compose("logs", "--follow", "--tail=50", "api"):
            fail("docker compose failed, see above.")
    elif LocalApi.log.exists():
        subprocess.run(["tail", "-n", "50", "-F", LocalApi.log], check=False)
    else:
        fail("there is no log yet: run `make up`.")


def seed(*options: str) -> None:
    """Add the missing sample data, and generated tenants as in the options."""
    mtdb("seed", *options)


def migrate() -> None:
    """Migrate roles and schema, as an administrator."""
    urls = admin_urls()
    if not urls:
        fail("there is no database: run `make up`, or set MTDB_DATABASE_URL, with an administrator.")
    mtdb("migrate", urls=urls)
    if not ADMIN_URLS:
        asyncio.run(close_other_databases(urls.values()))


def token(tenant: str, label: str = "make token") -> str:
    """Issue a token for 12 hours."""
    return mtdb("token", "issue", tenant, "--label", label, "--lifetime", "12h", "--quiet", capture=True)


def print_usage() -> None:
    """Print the addresses and a request to paste, for each server."""
    print(f"""
API            http://127.0.0.1:{PORT}
Documentation  http://127.0.0.1:{PORT}/docs

A request as HSBC (the token is valid for 12 hours; `make token TENANT="HSBC London"` issues another):
""")
    labels = [label for label in LABELS if url_variable(label) in read_environment()]
    for name, issued in one_token_per_server(labels):
        if name != "HSBC":
            print(f"As {name}, on server {server_of(issued)}:\n")
        print(f'  curl -H "Authorization: Bearer {issued}" http://127.0.0.1:{PORT}/tenants\n')
    print("`make logs` follows the log, `make down` stops everything.")


def one_token_per_server(labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Issue tokens of the sample groups, HSBC first, until each server has one; yield each with its group's name."""
    missing = {*labels}
    for group in read_sample_data():
        if missing:
            issued = token(group["name"], "make up")
            if server_of(issued) in missing:
                missing.remove(server_of(issued))
                yield group["name"], issued
    for label in sorted(missing):
        print(
            f"No group of the sample data is on server {label}; `make reset SERVERS={len(labels)}` spreads it anew.\n"
        )


def require_free_port(api: LocalApi) -> None:
    """Refuse a port that another program uses, before anything is started."""
    is_own = api.pid and read_environment().get("MTDB_PORT") == str(PORT)
    if not is_own and is_taken(PORT):
        fail(f"port {PORT} is taken by another program: choose another, for example `make up PORT={free_port()}`.")


def environment() -> dict[str, str]:
    """Return the environment without the file's variables, so that the file takes precedence.

    Except for an external server, libpq's variables (PGSSLMODE, ...) are removed, too.
    """
    known = read_environment()
    return {
        name: value
        for name, value in os.environ.items()
        if not (name in known or name.startswith(URL_VARIABLES)) and (ADMIN_URLS or not name.startswith("PG"))
    }


def mtdb(*arguments: str, capture: bool = False, urls: Mapping[str, str] | None = None) -> str:
    """Run a command of `mtdb`, which prints its own errors; other URLs, by variable, replace those of the file."""
    done = subprocess.run(
        [MTDB, *arguments],
        cwd=PROJECT,
        env=environment() | dict(urls or {}),
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if done.returncode:
        fail(f"`mtdb {' '.join(arguments[:2])}` failed, see above.")
    return (done.stdout or "").strip()


def fail(message: str) -> NoReturn:
    """Exit with a message and code 1."""
    sys.exit(f"error: {message}")


def main(command: str, *arguments: str) -> None:
    """Run one command; a user's mistake ends in one line, not in a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    changing = {"up": up, "down": down, "reset": reset, "seed": seed, "migrate": migrate}
    try:
        if command == "token":
            print(token(*arguments))
        elif command == "logs":
            logs()
        else:
            with (LOCAL / "development.lock").open("w") as lock:
                # Serialised: a second `make up` finds what the first one started.
                fcntl.flock(lock, fcntl.LOCK_EX)
                changing[command](*arguments)
    except EmbeddedPostgresError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
