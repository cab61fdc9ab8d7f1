"""Logs: lines that a machine can parse, and tracebacks without secrets."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from multi_tenant_db.observability.logging import configure_logging
from multi_tenant_db.settings import Settings

FORMATS = ["json", "text"]
TOKEN = "mtdb_a-token-that-must-not-be-logged"
UNPRINTABLE = "a\x1b]0;b\x07\u202ec\x9bd"


@pytest.fixture(autouse=True)
def _logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test configure logging, and leave nothing of it to the others."""
    root, before = logging.getLogger(), structlog.get_config()
    level, access = root.level, logging.getLogger("uvicorn.access")
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(access, "disabled", False)
    yield
    root.setLevel(level)
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()


def configure(log_format: str, log_level: str = "info") -> None:
    """Configure logging as the service does with these settings."""
    configure_logging(
        Settings.model_validate(
            {"database_url": "postgresql://127.0.0.1/bank", "log_format": log_format, "log_level": log_level}
        )
    )


def loggers() -> list[Any]:
    """Return a logger as our own code has it, and one as the libraries have it."""
    return [structlog.get_logger(), logging.getLogger("a.library")]


def fail_with_secrets_at_hand() -> None:
    """Raise from a frame whose local variables hold what must not be logged."""
    token = TOKEN
    metadata = {"swift_password": f"locked away {len(token)}"}
    raise LookupError(f"defect among {len(metadata)} members")


@pytest.mark.parametrize("kind", [0, 1], ids=["ours", "a library's"])
def test_a_json_line_is_one_object(kind: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Each event, also with line ends in it, is one line that parses, with its severity and its time in UTC."""
    configure("json")
    loggers()[kind].warning("first\nsecond")
    (line,) = capsys.readouterr().out.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"]) == ("first\nsecond", "warning")
    assert event["timestamp"].endswith("Z")


def test_a_json_line_carries_what_the_caller_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """Values given to the event and values bound to the context appear as members, whatever their type."""
    configure("json")
    structlog.contextvars.bind_contextvars(request_id="r-1")
    structlog.get_logger().info("request", status=200, duration_ms=1.5, tenant_id=None, odd={1})
    event = json.loads(capsys.readouterr().out)
    assert {key: event[key] for key in ("request_id", "status", "duration_ms", "tenant_id", "odd")} == {
        "request_id": "r-1",
        "status": 200,
        "duration_ms": 1.5,
        "tenant_id": None,
        "odd": "{1}",
    }


@pytest.mark.parametrize("kind", [0, 1], ids=["ours", "a library's"])
@pytest.mark.parametrize("log_format", FORMATS)
def test_a_traceback_shows_no_local_variables(log_format: str, kind: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A defect is logged with its error and where it arose, but with no token or metadata that was in reach there."""
    configure(log_format)
    try:
        fail_with_secrets_at_hand()
    except LookupError:
        loggers()[kind].exception("defect")
    logged = "".join(capsys.readouterr())
    assert "LookupError: defect among 1 members" in logged
    assert "fail_with_secrets_at_hand" in logged
    assert TOKEN not in logged
    assert "locked away" not in logged


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_chain_of_errors_shows_no_local_variables(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The causes of an error are logged too, without local variables."""
    configure(log_format)
    try:
        try:
            fail_with_secrets_at_hand()
        except LookupError as error:
            raise RuntimeError("on top") from error
    except RuntimeError:
        structlog.get_logger().exception("defect")
    logged = "".join(capsys.readouterr())
    assert "LookupError: defect" in logged
    assert "RuntimeError: on top" in logged
    assert TOKEN not in logged
    assert "locked away" not in logged


@pytest.mark.parametrize("kind", [0, 1], ids=["ours", "a library's"])
@pytest.mark.parametrize("log_format", FORMATS)
def test_nothing_reaches_the_terminal_that_does_not_print(
    log_format: str, kind: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Terminal escapes and bidirectional controls are escaped, in a line, its members and a traceback's messages."""
    configure(log_format)
    structlog.contextvars.bind_contextvars(request_id=UNPRINTABLE)
    loggers()[kind].error(UNPRINTABLE, exc_info=LookupError(UNPRINTABLE))
    logged = capsys.readouterr().out
    assert logged.count("202e") == 3
    assert [c for c in logged if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize("kind", [0, 1], ids=["ours", "a library's"])
def test_a_traceback_stays_inside_its_json_line(kind: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A defect is one JSON line with the traceback as a member, so that no line of it is lost to a collector."""
    configure("json")
    try:
        fail_with_secrets_at_hand()
    except LookupError:
        loggers()[kind].exception("defect")
    (line,) = capsys.readouterr().out.splitlines()
    event = json.loads(line)
    assert event["exception"].startswith("Traceback (most recent call last):")
    assert event["level"] == "error"


@pytest.mark.parametrize("kind", [0, 1], ids=["ours", "a library's"])
@pytest.mark.parametrize("log_format", FORMATS)
def test_the_level_holds_for_every_logger(log_format: str, kind: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Events below the level are dropped and those at it appear once, ours and the libraries' alike."""
    configure(log_format, "warning")
    logger = loggers()[kind]
    logger.info("too quiet")
    logger.warning("loud enough")
    logged = capsys.readouterr().out
    assert "too quiet" not in logged
    assert logged.count("loud enough") == 1


def test_the_servers_own_access_log_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Uvicorn's own access log is off, since its lines would hold the query."""
    configure("json")
    logging.getLogger("uvicorn.access").info("GET /tenants?cursor=secret")
    logging.getLogger("uvicorn.error").info("Started")
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["Started"]
