"""Settings of standbys: each belongs to a server, and each host is a standby of its own."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from multi_tenant_db.database.engine import standby_urls
from multi_tenant_db.database.servers import Servers
from multi_tenant_db.settings import Settings

DATABASE = "postgresql://primary/tenancy"


def settings(**changes: object) -> Settings:
    """Return settings with these changes."""
    return Settings.model_validate({"database_url": DATABASE} | changes)


def test_without_a_standby_nothing_is_routed() -> None:
    """No setting, no standby."""
    assert standby_urls(settings()) == []
    assert Servers.of(settings()).default.reads is None


def test_each_host_is_a_standby() -> None:
    """Of the same database and role; a connection to a primary is refused."""
    urls = standby_urls(settings(read_database_url="postgresql://one:1,two:2/tenancy?target_session_attrs=any"))
    assert [(url.host, url.port, url.username, url.database) for url in urls] == [
        ("one", 1, "tenancy_api", "tenancy"),
        ("two", 2, "tenancy_api", "tenancy"),
    ]
    assert [dict(url.query) for url in urls] == [{"target_session_attrs": "standby"}] * 2


def test_a_standby_belongs_to_the_server_of_its_label() -> None:
    """A server without one of its own has none."""
    several = settings(
        read_database_url="postgresql://standby/tenancy",
        servers={"b": "postgresql://b/tenancy", "c": "postgresql://c/tenancy"},
        read_servers={"b": "postgresql://standby-of-b/tenancy"},
    )
    hosts = {label: [url.host for url in standby_urls(several.of_server(label))] for label in several.server_labels}
    assert hosts == {"default": ["standby"], "b": ["standby-of-b"], "c": []}
    routed = {server.label: server.reads is not None for server in Servers.of(several)}
    assert routed == {"default": True, "b": True, "c": False}


def test_the_environment_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the label at the end of the variable's name."""
    monkeypatch.setenv("MTDB_DATABASE_URL", DATABASE)
    monkeypatch.setenv("MTDB_SERVERS__B", "postgresql://b/tenancy")
    monkeypatch.setenv("MTDB_READ_SERVERS__B", "postgresql://standby-of-b/tenancy")
    assert [url.host for url in standby_urls(Settings().of_server("b"))] == ["standby-of-b"]


def test_a_file_of_another_database_names_no_standby(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names the database, the file's standbys and servers would not belong to it."""
    file = tmp_path / "development.env"
    file.write_text(
        f"MTDB_DATABASE_URL={DATABASE}\nMTDB_READ_DATABASE_URL=postgresql://standby/tenancy\n"
        "MTDB_SERVERS__B=postgresql://b/tenancy\nMTDB_READ_SERVERS__B=postgresql://standby-of-b/tenancy\n"
    )
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    assert Settings().read_servers.keys() == {"b"}
    assert Settings().read_database_url
    monkeypatch.setenv("MTDB_DATABASE_URL", "postgresql://another/tenancy")
    assert (Settings().read_database_url, Settings().read_servers, Settings().servers) == (None, {}, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"read_servers": {"b": "postgresql://standby/tenancy"}},
        {"read_database_url": "postgresql://standby"},
        {"read_database_url": "postgresql://standby/tenancy?sslmode=require"},
        {"read_max_lag_seconds": 0},
    ],
    ids=["no server of the label", "no database", "unsupported parameter", "no lag allowed"],
)
def test_what_cannot_work_is_refused(changes: dict[str, object]) -> None:
    """At once, with the remedy."""
    with pytest.raises(ValidationError):
        settings(**changes)
