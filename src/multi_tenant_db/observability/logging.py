"""Structured logs: JSON lines for machines, coloured text for people."""

import json
import logging
import sys
from typing import Any

import structlog
from structlog.typing import Processor

from multi_tenant_db.settings import Settings

ENCODER = json.JSONEncoder(default=repr)
"""Made once: `json.dumps` makes one for every line."""


def configure_logging(settings: Settings) -> None:
    """Send our logs and those of the libraries to standard output, in one format.

    Tracebacks are printed without local variables: those hold tokens and metadata.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor]
    if settings.log_format == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_as_json)]
    else:
        last = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]

    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # SQLAlchemy's pool, under the name of our subclass, says at info what its every connection does.
    for talkative in ("sqlalchemy", "multi_tenant_db.database.fair_pool"):
        logging.getLogger(talkative).setLevel(max(level, logging.WARNING))
    logging.getLogger("uvicorn.access").disabled = True


def _as_json(event: dict[str, Any], **_: Any) -> str:
    return ENCODER.encode(event)
