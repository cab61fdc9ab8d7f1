"""OpenTelemetry's propagators that are not installed."""

import os
import sys
from importlib.metadata import entry_points

VARIABLE = "OTEL_PROPAGATORS"


def drop_unknown_propagators() -> None:
    """Remove propagators that are not installed from OTEL_PROPAGATORS, with a warning: FastAPI's import would fail."""
    named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    if not named:
        return
    known = {"none", *(entry.name for entry in entry_points(group="opentelemetry_propagator"))}
    unknown = [name for name in named if name not in known]
    if unknown:
        os.environ[VARIABLE] = ",".join(name for name in named if name in known) or "none"
        message = f"{VARIABLE} names {', '.join(unknown)}, which is not installed: it is ignored"
        print(f"multi-tenant-db: {message}", file=sys.stderr)  # noqa: T201 - logging is not configured yet
