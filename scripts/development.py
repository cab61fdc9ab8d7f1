"""Runs the development stack: development.py up|down|logs|reset|seed [OPTIONS]|migrate|token [TENANT].

There are three stacks: the server in the environment's MTDB_DATABASE_URL, as an
administrator; otherwise Docker Compose, if an engine is available; otherwise the embedded PostgreSQL. The file
.local/development.env stores the choice.
"""

import asyncio
import fcntl
import logging
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

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
from stack_choice import ADMIN_URL, WITHOUT_DOCKER, choose_stack, report_kept_data

from multi_tenant_db.database.connecting import connect_to
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.development import EmbeddedPostgres, EmbeddedPostgresError
from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.ports import free_port, is_taken


def port_of(variable: str, default: int) -> int:
    """Return the port in a variable; exit with a message if it is invalid."""
    given = os.environ.get(variable) or str(default)
    if not given.isdecimal() or not 0 < int(given) <= LAST_PORT:
        sys.exit(f"error: {variable}={given} is not a port: choose a number from 1 to {LAST_PORT}.")
    return int(given)


LAST_PORT = 65_535
PORT = port_of("PORT", 8000)
POSTGRES_PORT = port_of("POSTGRES_PORT", 54320)
DATABASE = "tenancy"
LOCAL_URL = f"postgresql://127.0.0.1:{POSTGRES_PORT}/{DATABASE}"


def up() -> None:
    """Start what is not running, migrate and seed, and print how to use it.

    On failure, what was started is stopped again, except containers.
    """
    before = read_environment().get("STACK")
    stack = choose_stack(before)
    if before not in {None, stack}:
        down()
    with ExitStack() as undo:
        if stack == "docker":
            up_in_containers(before)
        else:
            require_free_port(LocalApi())
            changed = up_embedded(undo) if stack == "embedded" else up_external()
            up_api(undo, restart=changed or before != stack)
        undo.pop_all()
    print_usage()


def up_embedded(undo: ExitStack) -> bool:
    """Start the embedded server and migrate its database; return whether the API must be restarted."""
    server = EmbeddedPostgres.for_development(port=POSTGRES_PORT)
    if not server.pid:
        undo.callback(server.stop)
    server.start()
    print(f"PostgreSQL {server.release}: running on port {server.port}", flush=True)
    changed = write_environment("embedded", LOCAL_URL, PORT)
    migrate()
    return changed


def up_external() -> bool:
    """Migrate the database of an external server; return whether the API must be restarted."""
    parts = urlsplit(ADMIN_URL)
    without_user = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    changed = write_environment("external", without_user, PORT)
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
    write_environment("docker", LOCAL_URL, PORT)
    if not (compose("build") and compose("up", "--detach", "--remove-orphans")):
        output = last_lines("postgres", "migrate", "seed")
        sys.stderr.write(output)
        if "password authentication failed" in output:
            fail("the volume's passwords are missing from .local/development.env: `make reset` deletes its data.")
        fail(f"docker compose failed, see above. {WITHOUT_DOCKER}")
    if not LocalApi().wait_until_healthy(PORT, containers=True):
        sys.stderr.write(last_lines("migrate", "seed", "api"))
        fail("the API does not become healthy; the end of its log is above.")
    asyncio.run(close_other_databases(admin_url()))


def down() -> None:
    """Stop the API and the database; keep the data."""
    if read_environment().get("STACK") == "docker":
        require_compose()
        if not compose("--profile", "*", "down"):
            fail("docker compose failed, see above: the containers may still run.")
    LocalApi().stop()
    EmbeddedPostgres.for_development().stop()
    print("Stopped; the data is kept. `make up` starts again.")


def reset() -> None:
    """Delete the data and start with new data and new passwords."""
    stack = read_environment().get("STACK")
    if stack == "external" or ADMIN_URL:
        fail("the data is on an external server, where nothing is deleted: drop its database yourself.")
    in_docker = stack == "docker" or (stack is None and engine_answers() and compose_is_there())
    if in_docker:
        # Without the file, compose still needs its variables, with any values.
        write_environment("docker", LOCAL_URL, PORT)
    down()
    if in_docker and not compose("--profile", "*", "down", "--volumes"):
        fail("docker compose failed, see above: data and passwords are unchanged.")
    shutil.rmtree(EmbeddedPostgres.for_development().folder, ignore_errors=True)
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
    url = admin_url()
    if not url:
        fail("there is no database: run `make up`, or set MTDB_DATABASE_URL, with an administrator.")
    mtdb("migrate", MTDB_DATABASE_URL=url)
    if not ADMIN_URL:
        asyncio.run(close_other_databases(url))


def admin_url() -> str:
    """Return the administrator's URL, empty if there is no database yet."""
    file = read_environment()
    if not ADMIN_URL and file.get("STACK") == "embedded":
        port = urlsplit(file["MTDB_DATABASE_URL"]).port
        return EmbeddedPostgres.for_development(port=port).url(DATABASE)
    if not ADMIN_URL and file.get("STACK") == "docker":
        return file["MTDB_DATABASE_URL"].replace("://", f"://postgres:{file['POSTGRES_PASSWORD']}@")
    return ADMIN_URL


async def close_other_databases(url: str) -> None:
    """Revoke access to the server's other databases, like scripts/harden_self_managed.sql."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    connection = await connect_to(read_database_url(url), seconds=10)
    try:
        await connection.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
    finally:
        await connection.close()


def token(tenant: str, label: str = "make token") -> str:
    """Issue a token for 12 hours."""
    return mtdb("token", "issue", tenant, "--label", label, "--lifetime", "12h", "--quiet", capture=True)


def print_usage() -> None:
    """Print the addresses and a request to paste."""
    print(f"""
API            http://127.0.0.1:{PORT}
Documentation  http://127.0.0.1:{PORT}/docs

A request as HSBC (the token is valid for 12 hours; `make token TENANT="HSBC London"` issues another):

  curl -H "Authorization: Bearer {token("HSBC", "make up")}" http://127.0.0.1:{PORT}/tenants

`make logs` follows the log, `make down` stops everything.""")


def require_free_port(api: LocalApi) -> None:
    """Refuse a port that another program uses, before anything is started."""
    is_own = api.pid and read_environment().get("MTDB_PORT") == str(PORT)
    if not is_own and is_taken(PORT):
        fail(f"port {PORT} is taken by another program: choose another, for example `make up PORT={free_port()}`.")


def environment(**more: str) -> dict[str, str]:
    """Return the environment without the file's variables, so that the file takes precedence.

    Except for an external server, libpq's variables (PGSSLMODE, ...) are removed, too.
    """
    known = {"MTDB_DATABASE_URL", *read_environment()}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in known and (ADMIN_URL or not name.startswith("PG"))
    }
    return kept | more


def mtdb(*arguments: str, capture: bool = False, **more: str) -> str:
    """Run a command of `mtdb`, which prints its own errors."""
    done = subprocess.run(
        [MTDB, *arguments],
        cwd=PROJECT,
        env=environment(**more),
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
