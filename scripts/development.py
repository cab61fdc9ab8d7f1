"""What `make up` and its companions do: development.py up|down|logs|reset|seed [OPTIONS]|migrate|token [TENANT].

Three stacks, told apart by what is there: the server that MTDB_DATABASE_URL names in the environment, as an
administrator; else Docker Compose, where an engine answers; else the embedded PostgreSQL. The file
.local/development.env remembers which one it was.
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
from stack_choice import ADMIN_URL, WITHOUT_DOCKER, choose_stack, say_what_stays

from multi_tenant_db.database.connecting import connect_to
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.development import EmbeddedPostgres, EmbeddedPostgresError
from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.ports import free_port, is_taken


def port_of(variable: str, usual: int) -> int:
    """Give the port that a variable names; ends with a line for what is none."""
    given = os.environ.get(variable) or str(usual)
    if not given.isdecimal() or not 0 < int(given) <= LAST_PORT:
        sys.exit(f"error: {variable}={given} is no port: choose a number from 1 to {LAST_PORT}.")
    return int(given)


LAST_PORT = 65_535
PORT = port_of("PORT", 8000)
POSTGRES_PORT = port_of("POSTGRES_PORT", 54320)
DATABASE = "tenancy"
LOCAL_URL = f"postgresql://127.0.0.1:{POSTGRES_PORT}/{DATABASE}"


def up() -> None:
    """Start what is not running, bring the data up to date, and say how to use it.

    If it fails, what was started is stopped again, except containers: those stay as they are.
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
    say_how_to_use_it()


def up_embedded(undo: ExitStack) -> bool:
    """Start the embedded server and migrate its database; tell whether the API must look anew."""
    server = EmbeddedPostgres.for_development(port=POSTGRES_PORT)
    if not server.pid:
        undo.callback(server.stop)
    server.start()
    print(f"PostgreSQL {server.release}: running on port {server.port}", flush=True)
    changed = write_environment("embedded", LOCAL_URL, PORT)
    migrate()
    return changed


def up_external() -> bool:
    """Migrate the database of a server of the user's own; tell whether the API must look anew."""
    parts = urlsplit(ADMIN_URL)
    without_user = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    changed = write_environment("external", without_user, PORT)
    migrate()
    return changed


def up_api(undo: ExitStack, *, restart: bool) -> None:
    """Seed, and have a healthy API in the background."""
    mtdb("seed")
    api = LocalApi()
    if restart:
        api.stop()
    if not api.pid:
        undo.callback(api.stop)
        api.start(environment())
    if not api.wait_until_healthy(PORT):
        sys.stderr.write("".join(api.log.read_text().splitlines(keepends=True)[-20:]))
        fail(f"the API does not become healthy; the end of its log ({api.log}) stands above.")


def up_in_containers(before: str | None) -> None:
    """Build and start the containers; compose migrates and seeds before it starts the API."""
    if file := unreadable_source():
        fail(f"a container could not read {file}: `chmod -R go+rX src monitoring` (it was made under a strict umask).")
    require_port("PORT", PORT, "api", 8000)
    require_port("POSTGRES_PORT", POSTGRES_PORT, "postgres", 5432)
    if before == "embedded":
        say_what_stays()
    if volume := earlier_data():
        print(f"The data of an earlier version stays in the Docker volume {volume}; this one starts with new data.")
    write_environment("docker", LOCAL_URL, PORT)
    if not (compose("build") and compose("up", "--detach", "--remove-orphans")):
        said = last_lines("postgres", "migrate", "seed")
        sys.stderr.write(said)
        if "password authentication failed" in said:
            fail("the volume has data of other passwords, whose file is lost: `make reset` deletes it and starts over.")
        fail(f"docker compose failed, see above. {WITHOUT_DOCKER}")
    if not LocalApi().wait_until_healthy(PORT, containers=True):
        sys.stderr.write(last_lines("migrate", "seed", "api"))
        fail("the API does not become healthy; what it said last stands above.")
    asyncio.run(close_other_databases(admin_url()))


def down() -> None:
    """Stop the API and the database; the data stays."""
    if read_environment().get("STACK") == "docker":
        require_compose()
        if not compose("--profile", "*", "down"):
            fail("docker compose failed, see above: the containers may still run.")
    LocalApi().stop()
    EmbeddedPostgres.for_development().stop()
    print("Stopped; the data stays. `make up` starts again.")


def reset() -> None:
    """Start over with new data and new passwords."""
    stack = read_environment().get("STACK")
    if stack == "external" or ADMIN_URL:
        fail("the data is on a server of your own, where nothing is ever deleted: drop its database yourself.")
    in_docker = stack == "docker" or (stack is None and engine_answers() and compose_is_there())
    if in_docker:
        # Where the file is lost, compose still wants its variables, whatever they say.
        write_environment("docker", LOCAL_URL, PORT)
    down()
    if in_docker and not compose("--profile", "*", "down", "--volumes"):
        fail("docker compose failed, see above: data and passwords are as they were.")
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
    """Add what is missing of the bank story, and what the options ask for besides."""
    mtdb("seed", *options)


def migrate() -> None:
    """Bring roles and schema up to date, as an administrator."""
    url = admin_url()
    if not url:
        fail("which database? Run `make up`, or set MTDB_DATABASE_URL to it, as an administrator.")
    mtdb("migrate", MTDB_DATABASE_URL=url)
    if not ADMIN_URL:
        asyncio.run(close_other_databases(url))


def admin_url() -> str:
    """Return the administrator's URL, empty where there is no database yet."""
    file = read_environment()
    if not ADMIN_URL and file.get("STACK") == "embedded":
        port = urlsplit(file["MTDB_DATABASE_URL"]).port
        return EmbeddedPostgres.for_development(port=port).url(DATABASE)
    if not ADMIN_URL and file.get("STACK") == "docker":
        return file["MTDB_DATABASE_URL"].replace("://", f"://postgres:{file['POSTGRES_PASSWORD']}@")
    return ADMIN_URL


async def close_other_databases(url: str) -> None:
    """Keep the service's roles out of the server's other databases, as scripts/harden_self_managed.sql would."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    connection = await connect_to(read_database_url(url), seconds=10)
    try:
        await connection.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
    finally:
        await connection.close()


def token(tenant: str, label: str = "make token") -> str:
    """Issue a token that lives for a working day."""
    return mtdb("token", "issue", tenant, "--label", label, "--lifetime", "12h", "--quiet", capture=True)


def say_how_to_use_it() -> None:
    """Print the addresses, and a request to paste."""
    print(f"""
API            http://127.0.0.1:{PORT}
Documentation  http://127.0.0.1:{PORT}/docs

Ask as HSBC (the token lives 12 hours; `make token TENANT="HSBC London"` makes another):

  curl -H "Authorization: Bearer {token("HSBC", "make up")}" http://127.0.0.1:{PORT}/tenants

`make logs` follows the log, `make down` stops everything.""")


def require_free_port(api: LocalApi) -> None:
    """Refuse a port on which somebody else listens, before anything is started."""
    ours = api.pid and read_environment().get("MTDB_PORT") == str(PORT)
    if not ours and is_taken(PORT):
        fail(f"port {PORT} is taken by another program: choose another, for example `make up PORT={free_port()}`.")


def environment(**more: str) -> dict[str, str]:
    """Give our environment without what the file says, so that the file is what counts.

    On a server of our own libpq's variables (PGSSLMODE, ...), which are meant for another, do not count either.
    """
    known = {"MTDB_DATABASE_URL", *read_environment()}
    ours = {
        name: value
        for name, value in os.environ.items()
        if name not in known and (ADMIN_URL or not name.startswith("PG"))
    }
    return ours | more


def mtdb(*arguments: str, capture: bool = False, **more: str) -> str:
    """Run a command of the service; it says itself what is wrong."""
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
    """End with a message and exit code 1."""
    sys.exit(f"error: {message}")


def main(command: str, *arguments: str) -> None:
    """Run one command; what a user can mend is one line, not a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    changing = {"up": up, "down": down, "reset": reset, "seed": seed, "migrate": migrate}
    try:
        if command == "token":
            print(token(*arguments))
        elif command == "logs":
            logs()
        else:
            with (LOCAL / "development.lock").open("w") as turn:
                # One at a time: a second `make up` finds what the first one started.
                fcntl.flock(turn, fcntl.LOCK_EX)
                changing[command](*arguments)
    except EmbeddedPostgresError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
