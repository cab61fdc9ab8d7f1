"""`make up` and its companions where Docker is, or seems to be; no engine is needed."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from multi_tenant_db.settings import Settings
from tests.development.fake_docker import FakeDocker
from tests.support.extent import part
from tests.support.sources import ROOT

pytestmark = pytest.mark.exhaustive

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
SERVICES = dict(re.findall(r"^  ([\w-]+):\n((?:    .*\n)+)", COMPOSE, re.MULTILINE))
OURS = {name: text for name, text in SERVICES.items() if "<<: *service" in text}
SHARED = COMPOSE.split("x-service: &service\n")[1].split("\nservices:")[0]
INTERRUPTED = 130
WITHOUT_DOCKER = (
    "error: docker compose failed, see above. To work without Docker, with new data: "
    "`make down`, remove .local/development.env, and run `MTDB_NO_DOCKER=1 make up`.\n"
)
ENDS_BY_ITSELF = {"migrate", "seed"}
GUIDE = (ROOT / "docs" / "how-to" / "production.md").read_text(encoding="utf-8")


@pytest.fixture
def docker(tmp_path: Path) -> FakeDocker:
    """Make a checkout and a docker."""
    return FakeDocker(tmp_path / "bank")


def project_of(docker: FakeDocker) -> str:
    """Return the one project that compose was called for."""
    (name,) = {re.findall(r"--project-name (\S+)", call)[0] for call in docker.calls if "--project-name" in call}
    return str(name)


@pytest.mark.parametrize(
    ("before", "environment", "expected"),
    part(
        [
            (None, {}, "docker"),
            ("docker", {}, "docker"),
            ("embedded", {}, "docker"),
            (None, {"ENGINE": "1"}, "embedded"),
            (None, {"COMPOSE": "1"}, "embedded"),
            (None, {"MTDB_NO_DOCKER": "1"}, "embedded"),
            (None, {"MTDB_NO_DOCKER": "0"}, "docker"),
            (None, {"MTDB_DATABASE_URL": "postgresql://a:b@h/t"}, "external"),
        ],
        3,
    ),
    ids=str,
)
def test_what_is_there_decides(
    docker: FakeDocker, before: str | None, environment: dict[str, str], expected: str
) -> None:
    """An administrator's server first, then an engine with compose v2, then the embedded server."""
    assert docker.ask(f"development.choose_stack({before!r})", **environment) == expected


def test_an_engine_without_compose_is_told(docker: FakeDocker) -> None:
    """Who has Docker, and gets the embedded server, is told why."""
    done = docker._run(
        ["-c", "import sys; sys.path.insert(0, 'scripts'); import development as d; d.choose_stack(None)"],
        {"COMPOSE": "1"},
    )
    assert done.stdout == "Docker: not used, `docker compose` v2 is missing\n"


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        ({"ENGINE": "1"}, "whose engine is unavailable"),
        ({"MTDB_NO_DOCKER": "1"}, "to use it, unset MTDB_NO_DOCKER"),
        ({"COMPOSE": "1"}, "no `docker compose` v2: install it."),
    ],
    ids=str,
)
def test_data_in_docker_is_not_abandoned(docker: FakeDocker, away: dict[str, str], expected: str) -> None:
    """When engine or compose is away, or unwanted, `make up` does not start over with an empty server beside it."""
    docker.remember("docker")
    done = docker.run("up", **away)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert expected in done.stderr
    assert ("engine is unavailable" in done.stderr) == ("ENGINE" in away)


@pytest.mark.parametrize("command", part(["down", "reset", "logs"], 3))
def test_a_lost_compose_is_one_line(docker: FakeDocker, command: str) -> None:
    """What needs the containers says what is missing, without the client's own help."""
    docker.remember("docker")
    done = docker.run(command, COMPOSE="1")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "no `docker compose` v2: install it." in done.stderr
    assert not [call for call in docker.calls if "--project-name" in call]


def test_the_embedded_servers_data_stays_and_can_be_had_again(docker: FakeDocker) -> None:
    """A switch to Docker says where the data of before is; without Docker it is gone on with, and no password lost."""
    passwords = docker.remember("embedded")
    data = Path(docker.ask("str(local_servers.EmbeddedPostgres.for_development().data)"))
    done = docker.run("up", FAILING="up")
    assert f"is kept in {data.parent}; `MTDB_NO_DOCKER=1 make up` uses it." in done.stdout
    assert docker.ask("development.read_environment()").items() >= ({"STACK": "docker"} | passwords).items()
    data.mkdir(parents=True)
    try:
        assert docker.ask("development.choose_stack('docker')", MTDB_NO_DOCKER="1") == "embedded"
        assert "engine is unavailable" in docker.ask("development.choose_stack('docker')", ENGINE="1")
    finally:
        data.rmdir()
    assert "stays unused" not in docker.run("up", FAILING="up").stdout


def test_two_checkouts_share_nothing(tmp_path: Path) -> None:
    """In folders of one name the projects are different, and the same checkout has the same again."""
    one, other = FakeDocker(tmp_path / "one" / "Bank (2)"), FakeDocker(tmp_path / "other" / "Bank (2)")
    for docker in (one, one, other):
        docker.remember("docker")
        assert docker.run("down").returncode == 0
    assert project_of(one) != project_of(other)
    assert project_of(one).startswith("mtdb-bank-2-")


def test_data_of_an_earlier_version_is_named(docker: FakeDocker) -> None:
    """A volume by the old name is mentioned, as long as there is none by the new one."""
    assert docker.ask("docker_stack.earlier_data()") is None
    docker.has("volumes", "bank_data")
    assert docker.ask("docker_stack.earlier_data()") == "bank_data"
    docker.has("volumes", "bank_data", docker.ask("docker_stack.project_name()") + "_data")
    assert docker.ask("docker_stack.earlier_data()") is None


def test_a_down_that_fails_says_so(docker: FakeDocker) -> None:
    """Containers that may still run are not called stopped."""
    docker.remember("docker")
    done = docker.run("down", FAILING="down")
    assert (done.returncode, "Stopped" in done.stdout) == (1, False)
    assert "error: docker compose failed" in done.stderr


def test_logs_that_fail_say_so(docker: FakeDocker) -> None:
    """What compose refuses is no success."""
    docker.remember("docker")
    assert docker.run("logs").returncode == 0
    done = docker.run("logs", FAILING="logs")
    assert done.returncode == 1
    assert done.stderr.endswith("error: docker compose failed, see above.\n")


def test_logs_end_quietly_when_interrupted(docker: FakeDocker) -> None:
    """Ctrl-C is no failure of compose."""
    docker.remember("docker")
    docker.has("logs", "api-1  | ready")
    process = docker.start("logs", FOLLOWS="1")
    assert process.stdout is not None
    assert process.stdout.readline() == "api-1  | ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == INTERRUPTED


@pytest.mark.parametrize("failing", part(["down", "--volumes"], 2))
def test_a_reset_that_fails_loses_nothing(docker: FakeDocker, failing: str) -> None:
    """The passwords stay as long as the data does, and no other server is started."""
    docker.remember("docker")
    file = docker.checkout / ".local" / "development.env"
    passwords = [line for line in file.read_text().splitlines() if "PASSWORD" in line]
    done = docker.run("reset", FAILING=failing)
    assert done.returncode == 1
    assert [line for line in file.read_text().splitlines() if line in passwords] == passwords
    assert not (docker.checkout / ".local" / "postgres" / "development").exists()


def test_the_shells_passwords_do_not_reach_compose(docker: FakeDocker) -> None:
    """Compose would prefer them to the file's, with which the data was made."""
    docker.remember("docker")
    done = docker.run("down", POSTGRES_PASSWORD="x", MTDB_API_PASSWORD="y", POSTGRES_PORT="7")
    assert done.returncode == 0
    told = docker.told("down")
    assert not {"POSTGRES_PASSWORD=x", "MTDB_API_PASSWORD=y"} & {*told}
    assert "POSTGRES_PORT=7" in told


def test_compose_is_told_of_no_other_project(docker: FakeDocker) -> None:
    """What the shell sets for another project does not lead away from this one; its choice of profiles counts."""
    docker.remember("docker")
    others = dict.fromkeys(("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_ENV_FILES"), "other")
    assert docker.run("down", COMPOSE_PROFILES="pooled", **others).returncode == 0
    assert not {f"{variable}=other" for variable in others} & {*docker.told("down")}
    assert "COMPOSE_PROFILES=pooled" in docker.told("down")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("migrate-1  | mtdb: the database refused a migration", WITHOUT_DOCKER),
        ('migrate-1  | mtdb: (password authentication failed for user "postgres")', "`make reset` deletes it"),
    ],
)
def test_the_reason_of_a_failing_start_is_shown(docker: FakeDocker, said: str, advice: str) -> None:
    """What the migration said last stands on the terminal, and data whose passwords are lost is recognised."""
    docker.has("logs", f"\x1b[2K{said}")
    done = docker.run("up", FAILING="up")
    assert done.returncode == 1
    assert said in done.stderr
    assert "\x1b" not in done.stderr
    assert advice in done.stderr


def test_a_reset_finds_data_whose_file_is_lost(docker: FakeDocker) -> None:
    """Without the file, where an engine answers, the containers' volume is deleted as well."""
    docker.run("reset", FAILING="build")
    assert any(call.endswith("down --volumes") for call in docker.calls)


@pytest.mark.parametrize(
    ("path", "mode"),
    part(
        [
            ("src", 0o700),
            ("src/multi_tenant_db", 0o754),
            ("src/multi_tenant_db/main.py", 0o600),
            ("src/multi_tenant_db/py.typed", 0o600),
            ("monitoring/alerts.yml", 0o640),
            ("monitoring/grafana/provisioning", 0o700),
        ],
        3,
    ),
)
def test_what_a_container_cannot_read_is_named(docker: FakeDocker, path: str, mode: int) -> None:
    """A checkout made under umask 077 is told so, before an image is built."""
    (docker.checkout / path).chmod(mode)
    done = docker.run("up")
    assert done.returncode == 1
    assert f"could not read {path}: `chmod -R go+rX src monitoring`" in done.stderr
    assert not any(" build" in call for call in docker.calls)


def test_what_nobody_has_to_read_is_no_obstacle(docker: FakeDocker) -> None:
    """Files that Python compiled, and the links by which editors lock, may be as they are."""
    package = docker.checkout / "src" / "multi_tenant_db"
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "old.pyc").touch(mode=0o600)
    (package / ".#main.py").symlink_to("nobody@nowhere")
    assert docker.ask("docker_stack.unreadable_source()") is None


@pytest.mark.parametrize(("variable", "service"), part([("PORT", "api"), ("POSTGRES_PORT", "postgres")], 2))
def test_a_port_of_another_program_is_refused(docker: FakeDocker, variable: str, service: str) -> None:
    """It is one line before anything is built, unless a container of this checkout has it, with or without a file."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for published in ([], ["127.0.0.1:7"], [f"127.0.0.1:7{port}"]):
            docker.has(f"port-of-{service}", *published)
            done = docker.run("up", FAILING="build", **{variable: port})
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
            assert f"error: port {port} is taken by another program: choose another" in done.stderr
            assert f"`make up {variable}=" in done.stderr
        assert not any(" build" in call for call in docker.calls)
        docker.has(f"port-of-{service}", f"127.0.0.1:{port}")
        for _ in range(2):
            docker.run("up", FAILING="build", **{variable: port})
        assert sum(call.endswith(" build") for call in docker.calls) == 2


def test_the_image_is_built_once() -> None:
    """One service builds what all of ours run."""
    assert set(OURS) == {"migrate", "seed", "api", "api-pooled"}
    assert [name for name, text in OURS.items() if "build: ." in text] == ["migrate"]


def test_no_two_checkouts_share_an_image() -> None:
    """The image bears the project's name, so that each checkout's data meets its own code."""
    assert re.findall(r"^  image: (.*)$", SHARED, re.MULTILINE) == ["${COMPOSE_PROJECT_NAME}"]
    assert not [name for name, text in OURS.items() if "image:" in text]


def test_the_guide_builds_the_image_that_it_runs() -> None:
    """The command for production is preceded by the one that makes its image, and publishes the service's port."""
    [(build, run)] = re.findall(r"```sh\n(docker build .*)\n(docker run .*)\n```", GUIDE)
    assert build.split() == ["docker", "build", "-t", run.split()[-1], "."]
    assert " -p 127.0.0.1:8000:8000 " in run


def test_containers_end_in_order_and_come_back_together() -> None:
    """Signals reach the service, it has the time it takes, and after a reboot all start that do not end themselves."""
    assert "  init: true\n" in SHARED
    (grace,) = re.findall(r"  stop_grace_period: (\d+)s\n", SHARED)
    assert int(grace) > Settings.model_fields["shutdown_timeout_seconds"].default
    come_back = {name for name, text in SERVICES.items() if "    restart: unless-stopped\n" in text}
    assert come_back == SERVICES.keys() - ENDS_BY_ITSELF
