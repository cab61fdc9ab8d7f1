"""Parses `MTDB_DATABASE_URL` for the service, the command line and the migrations."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from pydantic_core import MultiHostUrl
from sqlalchemy import URL

DRIVER = "postgresql+asyncpg"
DEFAULT_PORT = 5432
LAST_PORT = 65_535

SINGLE_PARAMETERS = frozenset({"application_name", "connect_timeout", "options", "target_session_attrs"})
"""With libpq's meaning (PostgreSQL manual, section 34.1.2)."""

HARMLESS_VALUES = {"channel_binding": {"disable", "prefer"}}
"""Parameters that are accepted and ignored with these values, which match the driver's behaviour."""

SESSION_ATTRIBUTES = frozenset({"any", "primary", "standby", "read-write", "read-only", "prefer-standby"})


def read_database_url(text: str) -> URL:
    """Return the URL in SQLAlchemy's form; several hosts are in its parameter `hosts`, each as `name:port`.

    Hosts may be written `h1:p1,h2:p2`, `?host=h1:p1&host=h2:p2` or `?host=h1,h2&port=p1,p2`. Raises ValueError, with
    a one-line remedy, for what the driver does not support.
    """
    read = MultiHostUrl(text)
    if "%00" in str(read):
        raise ValueError("remove %00: no name, password or parameter of PostgreSQL can contain NUL")
    parameters: dict[str, list[str]] = {}
    for name, value in read.query_params():
        parameters.setdefault(name, []).append(value)
    named = parameters.pop("host", None)
    ports = parameters.pop("port", None)
    if ports and not named:
        raise ValueError("write the port after its host, as in postgresql://host:5433/name")
    hosts = _named_hosts(named, ports) if named else _listed_hosts(read)
    credentials = [(host["username"], host["password"]) for host in read.hosts() if host["username"]]
    username, password = credentials[0] if credentials else (None, None)
    database = unquote((read.path or "").removeprefix("/"))
    if not database:
        raise ValueError("the name of the database is missing: postgresql://host:port/name")
    url = URL.create(
        DRIVER,
        username=None if username is None else unquote(username),
        password=None if password is None else unquote(password),
        database=database,
        query=_checked(parameters),
    )
    if len(hosts) == 1:
        [(host, port)] = hosts
        return url.set(host=host, port=port)
    addresses = tuple(f"{host}:{port or DEFAULT_PORT}" for host, port in hosts)
    return url.update_query_dict({"hosts": addresses}) if addresses else url


def _listed_hosts(read: MultiHostUrl) -> list[tuple[str, int | None]]:
    return [_address(unquote(host["host"]), host["port"]) for host in read.hosts() if host["host"]]


def _address(host: str, port: int | None) -> tuple[str, int | None]:
    return host.removeprefix("[").removesuffix("]"), port or None


def _named_hosts(named: Sequence[str], ports: Sequence[str] | None) -> list[tuple[str, int | None]]:
    """Read the parameters `host` and `port`, written once with commas or repeated."""
    hosts = [host for value in named for host in value.split(",")]
    if ports is None:
        return [_split(host) for host in hosts]
    numbers = [_number(port) for value in ports for port in value.split(",")]
    if len(numbers) == 1:
        numbers *= len(hosts)
    if len(numbers) != len(hosts):
        raise ValueError(f"there are {len(hosts)} hosts and {len(numbers)} ports")
    return [_address(host, number) for host, number in zip(hosts, numbers, strict=True)]


def _split(host: str) -> tuple[str, int | None]:
    name, colon, port = host.rpartition(":")
    if host.startswith("/") or not colon or host.endswith("]"):
        return _address(host, None)
    return _address(name, _number(port))


def _number(port: str) -> int:
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= LAST_PORT:
        raise ValueError(f"{port!r} is not a port")
    return int(port)


def _checked(parameters: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the parameters for the driver; raises ValueError for an unsupported one."""
    checked = {}
    for name, values in parameters.items():
        if name.startswith("ssl"):
            raise ValueError("set PGSSLMODE=verify-full and PGSSLROOTCERT=... in the environment, not in the URL")
        if HARMLESS_VALUES.get(name, set()).issuperset(values):
            continue
        if name not in SINGLE_PARAMETERS:
            known = ", ".join(sorted(SINGLE_PARAMETERS | {"host", "port"}))
            raise ValueError(f"the parameter {name}={values[0]} is not supported; supported are: {known}")
        if len(values) > 1:
            raise ValueError(f"the parameter {name} is repeated")
        checked[name] = values[0]
    if checked.get("target_session_attrs", "any") not in SESSION_ATTRIBUTES:
        raise ValueError(f"target_session_attrs must be one of {', '.join(sorted(SESSION_ATTRIBUTES))}")
    if not checked.get("connect_timeout", "0").isdecimal():
        raise ValueError("connect_timeout must be a whole number of seconds")
    return checked
