"""The processes' own log: to stderr, as text for people or as JSON lines for machines."""

from __future__ import annotations

import json
import logging
import sys
from enum import StrEnum

import structlog


class LogFormat(StrEnum):
    """How a process writes its own log."""

    TEXT = "text"
    JSON = "json"


_ENCODER = json.JSONEncoder(default=repr)


def _encoded(line: object, **_: object) -> str:
    """One line as JSON, by one encoder for all of them: making one for each costs more than the line."""
    return _ENCODER.encode(line)


def configure_logging(style: LogFormat) -> None:
    """Write this process's own log to stderr, as text or as JSON lines."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(_encoded)
    if style is LogFormat.TEXT:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
