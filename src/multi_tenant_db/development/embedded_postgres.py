"""Embedded PostgreSQL server, for machines without Docker and without PostgreSQL."""

import logging
import os
import secrets
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Self

from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.folders import postgres_home
from multi_tenant_db.development.ports import free_port, is_taken
from multi_tenant_db.development.postgres_package import installed_postgres
from multi_tenant_db.development.postgres_releases import (
    NEWEST_EMBEDDED,
    chosen_release,
    is_newest_of_its_major,
    require_release,
)
from multi_tenant_db.development.processes import children_of, command_of, kill_at_once, wait_for_end
from multi_tenant_db.development.server_account import ServerAccount
from multi_tenant_db.server_label import DEFAULT_SERVER

logger = logging.getLogger(__name__)

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FAST = dict.fromkeys(DURABLE, "off")


class EmbeddedPostgres:
    """A server and its folder: data, log, and the superuser's password, readable only by its owner.

    Listens only on 127.0.0.1, without a Unix socket, and always requires a password. Runs in the background and
    outlives this process; another object for the same folder controls it. With `durable`, commits survive a crash;
    without, a crash may lose all data, and tests are faster. A port of None is chosen by the operating system
    at the first start, and kept. `settings` are further PostgreSQL settings.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        release: str | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.release = release or chosen_release()
        self._port = port
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            **(DURABLE if durable else FAST),
            **(settings or {}),
        }
        self._account = ServerAccount.choose()

    @classmethod
    def for_development(
        cls, label: str = DEFAULT_SERVER, *, port: int | None = None, release: str | None = None
    ) -> Self:
        """Return a server of `make up`, whose data is kept as long as the checkout.

        With the newest package of a major, its `cluster_name` is NEWEST_EMBEDDED: no check demands a newer release.
        An organisation can be moved from it to another server: that takes logical replication.
        """
        release = release or chosen_release()
        settings = {"wal_level": "logical", "max_replication_slots": "10", "max_wal_senders": "10"}
        if is_newest_of_its_major(release):
            settings["cluster_name"] = NEWEST_EMBEDDED
        name = "development" if label == DEFAULT_SERVER else f"development-{label}"
        folder = postgres_home(ServerAccount.choose()) / name
        return cls(folder, port=port, release=release, settings=settings)

    @classmethod
    @contextmanager
    def temporary(cls, *, release: str | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Self]:
        """Run a fast server on a free port; remove it with its data at the end."""
        account = ServerAccount.choose()
        usual = tempfile.gettempdir()
        parent = usual if account.can_enter(Path(usual)) else "/var/tmp"  # noqa: S108 - mkdtemp chooses the name
        folder = Path(tempfile.mkdtemp(prefix="multi-tenant-db-", dir=parent))
        server = cls(folder, release=release, durable=False, settings=settings)
        try:
            yield server.start()
        finally:
            server.kill()
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "server.log"

    @property
    def port(self) -> int:
        """The port: as given, of the last start, or of the server that runs in the folder."""
        if (port := self._port or self._running_port()) is None:
            raise EmbeddedPostgresError(f"The server in {self.folder} has no port before its first start.")
        return port

    @property
    def password(self) -> str:
        """The superuser's password."""
        try:
            return (self.folder / "superuser.password").read_text()
        except FileNotFoundError:
            if self.data.exists():
                raise EmbeddedPostgresError(
                    f"{self.folder}/superuser.password is missing, and the data beside it cannot be opened without it: "
                    "restore it, or create new data with `make reset`."
                ) from None
            raise EmbeddedPostgresError(f"There is no server in {self.folder} yet: start it.") from None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, with the superuser's credentials."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """Process id of the running server, None when it is stopped; a file left by a crash is ignored."""
        try:
            process_id = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return process_id if str(self.data) in (command_of(process_id) or "") else None

    def start(self) -> Self:
        """Start the server; create its data if needed; restart a server that runs with other settings."""
        require_release(self.release)
        programs = installed_postgres(self.release, postgres_home(self._account)) / "bin"
        self._create_data(programs)
        if self.pid and self._runs_as_wanted(programs):
            return self
        self._require_free_port()
        self.stop()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self._launch(programs)
        return self

    def stop(self) -> None:
        """Stop the server with a fast shutdown; do nothing when it is stopped."""
        if not (process_id := self.pid):
            return
        os.kill(process_id, signal.SIGINT)
        if not wait_for_end(process_id, 60):
            raise EmbeddedPostgresError(f"PostgreSQL (process {process_id}) does not stop: see {self.log}")

    def kill(self) -> None:
        """Kill the server and all its processes with SIGKILL, like a crash."""
        if process_id := self.pid:
            kill_at_once([process_id, *children_of(process_id)])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _create_data(self, programs: Path) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._account.own(self.folder)
        if not self._account.can_enter(self.folder):
            raise EmbeddedPostgresError(
                f"The account {self._account.name}, which runs PostgreSQL, cannot enter {self.folder}: choose a folder "
                "with access for it on every level."
            )
        if self.data.exists() and any(self.data.iterdir()):
            self._require_same_major()
            return
        if self.data.exists():
            self.data.rmdir()
        logger.info("PostgreSQL %s: creating the database cluster ...", self.release)
        # Under another name first, so that an interrupted creation is never taken for a cluster.
        shutil.rmtree(unfinished := self.folder / "unfinished", ignore_errors=True)
        password = self._new_password()
        done = self._account.run(
            programs / "initdb",
            "--pgdata",
            unfinished,
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *([] if self._settings["fsync"] == "on" else ["--no-sync"]),
        )
        if done.returncode:
            raise EmbeddedPostgresError(
                f"initdb failed in {self.folder}: {_last_line(done.stderr)}{_advice(done.stderr)}"
            )
        unfinished.rename(self.data)

    def _new_password(self) -> Path:
        path = self.folder / "superuser.password"
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        self._account.own(path)
        return path

    def _require_same_major(self) -> None:
        try:
            major = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise EmbeddedPostgresError(
                f"{self.data} contains no PostgreSQL data: restore it, or create new data with `make reset`."
            ) from None
        if major != self.release.partition(".")[0]:
            raise EmbeddedPostgresError(
                f"The data in {self.folder} was created by PostgreSQL {major}, which {self.release} cannot read: "
                "`make reset` deletes it and creates new data."
            )

    def _options(self) -> list[str]:
        pairs = [("-c", f"{name}={value}") for name, value in self._settings.items()]
        return ["-p", str(self.port), *chain.from_iterable(pairs)]

    def _runs_as_wanted(self, programs: Path) -> bool:
        try:
            running = (self.data / "postmaster.opts").read_text()
        except FileNotFoundError:
            return False
        self._port = self._port or self._running_port()
        return running.startswith(f"{programs}/") and all(f'"{option}"' in running for option in self._options())

    def _running_port(self) -> int | None:
        return int((self.data / "postmaster.pid").read_text().split("\n")[3]) if self.pid else None

    def _require_free_port(self) -> None:
        """Choose a port if none was given; refuse a port that another program uses."""
        self._port = self._port or free_port()
        if self._port != self._running_port() and is_taken(self._port):
            raise EmbeddedPostgresError(
                f"Port {self._port} is taken by another program: set POSTGRES_PORT to a free one, "
                f"for example POSTGRES_PORT={free_port()}."
            )

    def _launch(self, programs: Path) -> None:
        output = ""
        for _ in range(50):
            begin = self.log.stat().st_size if self.log.exists() else 0
            done = self._account.run(
                programs / "pg_ctl",
                "start",
                "--pgdata",
                self.data,
                "--log",
                self.log,
                "--wait",
                "--timeout=60",
                "--options",
                shlex.join(self._options()),
            )
            if done.returncode == 0:
                return
            output = self.log.read_text(errors="replace")[begin:] if self.log.exists() else done.stderr
            # The children of a killed server hold its shared memory until they exit.
            if "shared memory block" not in output:
                break
            time.sleep(0.2)
        raise EmbeddedPostgresError(f"PostgreSQL does not start: {_last_line(output)} (log: {self.log})")


def _advice(output: str) -> str:
    if "could not look up effective user ID" not in output:
        return ""
    return " PostgreSQL needs its user in /etc/passwd: run as a user in it, or set MTDB_DATABASE_URL to a server."


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if "FATAL" in line or "error" in line] or text.splitlines()
    return lines[-1].strip() if lines else "no reason was given"
