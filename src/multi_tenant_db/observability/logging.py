"""Structured logs: JSON lines or coloured text."""

import json
import logging
import os
from io import StringIO
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from multi_tenant_db.observability.log_stream import LogStream
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.settings import Settings

ENCODER = json.JSONEncoder(default=repr)
"""Created once: `json.dumps` creates an encoder for every line."""


def configure_logging(settings: Settings) -> None:
    """Send the service's and the libraries' logs to standard output, in one format.

    Tracebacks are printed without local variables, which contain tokens and metadata.
    """
    stream = LogStream()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor]
    if settings.log_format == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_as_json)]
    else:
        colours = stream.isatty() and not os.environ.get("NO_COLOR")
        last = [
            _escape,
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=_traceback),
        ]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]

    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", stream)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # SQLAlchemy's pool, under the name of its subclass, logs the events of every connection at info.
    for name in ("sqlalchemy", "multi_tenant_db.database.connection_pool"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.getLogger("uvicorn.access").disabled = True


def _escape(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Escape terminal control sequences and bidirectional marks."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in event.items()}


def _traceback(into: TextIO, error: ExcInfo) -> None:
    """Write a traceback with escaped lines, which may quote input."""
    plain = StringIO()
    structlog.dev.plain_traceback(plain, error)
    into.write("\n".join(map(printable, plain.getvalue().split("\n"))))


def _as_json(event: dict[str, Any], **_: Any) -> str:
    return ENCODER.encode(event)
