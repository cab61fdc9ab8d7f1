"""Settings of the service, read from the environment."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, Field, SecretStr, UrlConstraints, field_validator, model_validator
from pydantic_core import MultiHostUrl
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.server_label import DEFAULT_SERVER, SERVER_LABEL

DEVELOPMENT_ENVIRONMENT_FILE = ".local/development.env"
"""Written by `make up` with random passwords; every command reads it to find the development database."""

DRIVERS = ("asyncpg", "psycopg", "psycopg2", "psycopg2cffi", "pg8000", "py-postgresql", "pygresql")
"""A URL may name any of them, as SQLAlchemy's do; the service uses its own."""

SCHEMES = ["postgresql", "postgres", *(f"postgresql+{driver}" for driver in DRIVERS)]


def _understood(url: MultiHostUrl) -> MultiHostUrl:
    """Refuse what the driver does not support, for every command."""
    read_database_url(str(url))
    return url


type DatabaseUrl = Annotated[
    MultiHostUrl, UrlConstraints(allowed_schemes=SCHEMES, host_required=False), AfterValidator(_understood)
]
"""Without hosts before the database's name, the parameter `host` names them."""


class Settings(BaseSettings):
    """Settings, each an environment variable with the prefix MTDB_.

    Each process needs only the credentials of its own database role. `MTDB_DATABASE_URL` may name a user
    and password; without them, the process logs in as its own role with the password set for that role.
    """

    model_config = SettingsConfigDict(
        env_prefix="MTDB_",
        env_file=DEVELOPMENT_ENVIRONMENT_FILE,
        env_ignore_empty=True,
        env_nested_delimiter="__",
        extra="ignore",
    )

    database_url: DatabaseUrl = Field(
        description="Server and database, `postgresql://[user:password@]host:port/name`; also several hosts."
    )
    servers: dict[str, DatabaseUrl] = Field(
        {}, description="More servers by label, such as `MTDB_SERVERS__B`; tokens with the label `b` belong to it."
    )
    read_database_url: DatabaseUrl | None = Field(
        None, description="Standby of MTDB_DATABASE_URL that serves reads; also several hosts, each a standby."
    )
    read_servers: dict[str, DatabaseUrl] = Field(
        {}, description="Standbys of more servers by label, such as `MTDB_READ_SERVERS__B`."
    )
    read_max_lag_seconds: float = Field(
        1.0,
        gt=0,
        description="How far behind a standby that serves reads may be; also how late a revocation takes effect there.",
    )
    api_password: SecretStr | None = Field(None, description="Password of the role tenancy_api, used by `mtdb serve`.")
    operator_password: SecretStr | None = Field(
        None, description="Password of the role tenancy_operator, used by `mtdb token` and `mtdb seed`."
    )

    allow_untested_postgres: bool = Field(
        False, description="Accept a major version of PostgreSQL on which the attacks have not run, with a warning."
    )

    host: str = Field("127.0.0.1", description="Address the API listens on; `::` is every IPv4 and IPv6 address.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    workers: int = Field(1, ge=1, description="Worker processes of the API.")

    docs: bool = Field(True, description="Serve `/docs`, `/redoc` and `/openapi.json`.")
    root_path: str = Field("", description="Path prefix that a proxy removes, such as `/bank`, for `/docs` and links.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins whose pages may call the API, comma separated, `https://bank.example`; none by default.",
    )

    metrics_host: str = Field("127.0.0.1", description="Address of the metrics for Prometheus.")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port of the metrics for Prometheus; without it there are none."
    )
    metrics_folder: Path | None = Field(
        None, description="Folder for the workers' metrics sockets; set by `mtdb serve`."
    )
    writes_file: Path | None = Field(
        None, description="File of the workers' times of writes, for reads from a standby; set by `mtdb serve`."
    )

    pool_size: int = Field(10, ge=1, description="Maximum number of database connections of a worker.")
    pool_timeout_seconds: float = Field(5.0, gt=0, description="Longest wait for a free connection before 503.")
    connect_timeout_seconds: float = Field(5.0, gt=0, description="Longest wait for a new connection before 503.")
    command_timeout_seconds: float = Field(
        10.0, gt=0, description="Longest wait for a statement's response before 503, also from a hanging server."
    )

    prepared_statements: bool = Field(
        True, description="Keep prepared statements. `false` behind PgBouncer before 1.21 in transaction mode."
    )

    max_body_bytes: int = Field(65_536, ge=1_024, description="Largest request body in bytes; above it 413.")

    max_header_bytes: int = Field(
        16_384,
        ge=1_024,
        description="All request headers together in bytes; above it 431. Path and query: above it 414.",
    )
    max_concurrent_requests: int = Field(
        1_000, ge=1, description="Concurrent requests of a worker; above it 503 with Retry-After."
    )
    max_organization_requests_per_second: int | None = Field(
        None, ge=1, description="Requests a second of one organisation, counted by each worker; above it 429."
    )
    keep_alive_seconds: int = Field(
        75,
        ge=1,
        description="How long an idle connection stays open: more than a load balancer's timeout, often 60 s.",
    )
    body_timeout_seconds: float = Field(10.0, gt=0, description="Longest time for a body to arrive; then 408.")
    request_timeout_seconds: float = Field(30.0, gt=0, description="Longest time for a whole request; then 504.")
    startup_timeout_seconds: float = Field(
        60.0, ge=0, description="How long `mtdb serve` waits at its start for a database that is unavailable."
    )
    shutdown_timeout_seconds: int = Field(
        15, ge=1, description="How long requests may run after SIGTERM before they are cancelled."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity logged.")
    log_format: Literal["json", "text"] = Field("json", description="JSON lines, or coloured text.")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, origins: object) -> object:
        """Parse a comma-separated list; refuse what is not an origin."""
        if isinstance(origins, str):
            origins = tuple(origin.strip() for origin in origins.split(",") if origin.strip())
        if isinstance(origins, tuple):
            for origin in origins:
                if not re.fullmatch(r"https?://[^/\s*]+", origin):
                    raise ValueError(f"{origin} is not an origin: write https://bank.example, without a path or a *")
        return origins

    @field_validator("root_path")
    @classmethod
    def _is_a_path(cls, prefix: str) -> str:
        """Refuse what a request line cannot contain or what is not a prefix of paths."""
        if not re.fullmatch(r"(/[^/?#\x00-\x20\x7f-\U0010ffff]+)*", prefix):
            raise ValueError(
                f"{prefix} is not a path prefix: write it as /bank, in ASCII, without ?, # or / at its end"
            )
        return prefix

    @field_validator("servers", "read_servers", mode="before")
    @classmethod
    def _have_labels(cls, servers: object) -> object:
        """Refuse labels that a token cannot carry."""
        for label in servers if isinstance(servers, dict) else ():
            if label == DEFAULT_SERVER:
                raise ValueError(f"{label} is reserved: it is the server in MTDB_DATABASE_URL")
            if not re.fullmatch(SERVER_LABEL, str(label)):
                raise ValueError(f"{label!r} is not a label: use a letter, then letters or digits, 16 at most")
        return servers

    @field_validator("api_password", "operator_password")
    @classmethod
    def _is_text(cls, password: SecretStr | None) -> SecretStr | None:
        """Refuse bytes that are not UTF-8: the driver cannot send them."""
        try:
            (password.get_secret_value() if password else "").encode()
        except UnicodeEncodeError:
            raise ValueError("a password must be UTF-8 text") from None
        return password

    @model_validator(mode="after")
    def _standbys_have_servers(self) -> Self:
        """Refuse a standby of a server that no setting names."""
        for label in self.read_servers:
            if label not in self.servers:
                raise ValueError(f"MTDB_READ_SERVERS__{label.upper()} needs MTDB_SERVERS__{label.upper()}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature of pydantic-settings
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Ignore the file's other servers where the environment names the first: they would not belong together."""

        def file() -> dict[str, Any]:
            found = dotenv_settings()
            others = {"servers", "read_servers", "read_database_url"} if "database_url" in env_settings() else set()
            return {name: found[name] for name in found if name not in others}

        return init_settings, env_settings, cast("PydanticBaseSettingsSource", file), file_secret_settings

    @property
    def server_labels(self) -> tuple[str, ...]:
        """The labels of all servers, that of MTDB_DATABASE_URL first."""
        return DEFAULT_SERVER, *self.servers

    def of_server(self, label: str) -> Self:
        """Return the settings of one server, as if it were the only one; raises KeyError for an unknown label."""
        only: dict[str, object] = {"servers": {}, "read_servers": {}}
        if label == DEFAULT_SERVER:
            return self.model_copy(update=only)
        of_label = {"database_url": self.servers[label], "read_database_url": self.read_servers.get(label)}
        return self.model_copy(update=only | of_label)
