"""The composition root."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import Route

from multi_tenant_db import __version__
from multi_tenant_db.database.connection_pool import pool_of
from multi_tenant_db.database.servers import Servers
from multi_tenant_db.database.standby_watch import watched_standbys
from multi_tenant_db.errors import ApplicationError
from multi_tenant_db.http.cross_origin import CrossOrigin
from multi_tenant_db.http.error_handlers import add_error_handlers
from multi_tenant_db.http.openapi_document import correct_openapi
from multi_tenant_db.http.rate_limiter import RateLimiter
from multi_tenant_db.http.request_context import RequestContext
from multi_tenant_db.http.request_guard import RequestGuard
from multi_tenant_db.lint.safety_check import require_safe_database
from multi_tenant_db.lint.servers_check import safe_servers
from multi_tenant_db.observability.logging import configure_logging
from multi_tenant_db.observability.service_metrics import ServiceMetrics
from multi_tenant_db.observability.tracing import trace_requests
from multi_tenant_db.observability.worker_metrics import serve_worker_metrics
from multi_tenant_db.routers import health, tenants
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from multi_tenant_db.settings import Settings

DESCRIPTION = """
Organisations' data kept apart by PostgreSQL Row Level Security. A parent tenant sees itself and its subsidiaries, a
subsidiary sees itself. No tenant sees data of another organisation.

### Getting a token

Every request on tenants carries an access token: `Authorization: Bearer <token>`. Press **Authorize** and paste one;
**Try it out** then sends it.

- In development: `make token TENANT="HSBC"` prints a token for a tenant of the sample data, such as `"HSBC London"` or
  `"Barclays"`.
- As an operator: `mtdb token issue "HSBC" --label "payments" --lifetime 30d`; with `--platform-operator` the token
  reaches every tenant.
- In production: your identity service exchanges its users' logins for tokens; see the guide on identity.

A token is shown once, expires, and can be revoked. `GET /health` needs none.

### Errors

Every error is a problem document (RFC 9457), `application/problem+json`, with a stable `code` and the `request_id` that
is also in the log. Tenants outside your reach are reported as not found, like ids that do not exist.
"""

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "HEAD", "POST", "PUT", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "X-Request-ID",
        "traceparent",
        "tracestate",
    ],
    "expose_headers": [
        "ETag",
        "Link",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "WWW-Authenticate",
        "X-Request-ID",
    ],
}
"""What pages of the allowed origins may send and read. Cookies are not used."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Refuse to start on a database that does not isolate tenants; close the pools at the end.

    Yields the state that the HTTP protocol reads.
    """
    settings: Settings = app.state.settings
    check = partial(require_safe_database, allow_untested=settings.allow_untested_postgres)
    async with (
        safe_servers(
            app.state.servers, settings.startup_timeout_seconds, allow_untested=settings.allow_untested_postgres
        ),
        watched_standbys(app.state.servers, check),
        serve_worker_metrics(app.state.metrics, settings.metrics_folder),
    ):
        yield {"settings": settings, "metrics": app.state.metrics}
    await app.state.servers.dispose()
    app.state.stop_tracing()


def create_app(settings: Settings | None = None) -> FastAPI:
    """Create the application; raises pydantic's ValidationError when a setting is missing or invalid."""
    settings = settings or Settings()
    configure_logging(settings)
    app = (FastAPIOffline if settings.docs else partial(FastAPI, openapi_url=None))(
        title="Multi-Tenant Database",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        # observability/tracing.py traces requests without paths and queries. Older versions of FastAPI ignore this.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.servers = Servers.of(settings)
    per_second = settings.max_organization_requests_per_second
    app.state.rate_limiter = RateLimiter(per_second) if per_second else None
    app.state.metrics = _metrics(app) if settings.metrics_folder else None
    for route in app.router.routes:
        if isinstance(route, Route) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")  # of the documentation's pages; the server sends no body
    # Routes are tried in order; by default the documentation's would be first.
    # include_router() would nest routers, which are searched twice more for each request.
    app.router.routes[:0] = [*tenants.router.routes, *health.router.routes]
    add_error_handlers(app)
    correct_openapi(app)
    app.add_middleware(RequestGuard, settings=settings)
    if settings.cors_origins:
        app.add_middleware(CrossOrigin, allow_origins=settings.cors_origins, **CORS)
    app.add_middleware(RequestContext, metrics=app.state.metrics)
    app.state.stop_tracing = trace_requests(app)
    return app


def _metrics(app: FastAPI) -> ServiceMetrics:
    codes = [error.code for error in ApplicationError.__subclasses__()]
    pools = {server.label: partial(pool_of, server.engine) for server in app.state.servers}
    reads = {server.label: server.reads for server in app.state.servers if server.reads}
    failures = {server.label: server.connect_failures for server in app.state.servers}
    return ServiceMetrics(
        pools, problem_codes=codes, schema_revision=REQUIRED_SCHEMA_REVISION, reads=reads, connect_failures=failures
    )
