"""The processes' own log: to stderr, as text for people or as JSON lines for machines.

    our lines ─────────▶ names of the pass or request ┐
    kopf, aiohttp, … ──▶ name of the logger ──────────┴──▶ level, time ──▶ text or JSON ──▶ masked ──▶ stderr

Lines of libraries carry no names of a pass: what they say, they say in tasks that outlive it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from enum import StrEnum

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger


class LogFormat(StrEnum):
    """How a process writes its own log."""

    TEXT = "text"
    JSON = "json"


_ENCODER = json.JSONEncoder(default=repr)


def configure_logging(style: LogFormat, mask: Callable[[str], str] | None = None) -> None:
    """Write this process's own log to stderr, what libraries say too, from warnings on.

    Args:
        style: as text or as JSON lines.
        mask: takes the secrets of the process from a line, whoever wrote it.
    """
    both: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    render = _rendered(style, mask)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *both, render],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *both],
            processors=[ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def _rendered(style: LogFormat, mask: Callable[[str], str] | None) -> Processor:
    renderer: Processor = structlog.processors.JSONRenderer(_encoded)
    if style is LogFormat.TEXT:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    if mask is None:
        return renderer

    def masked(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return mask(str(renderer(logger, method, event)))

    return masked


def _encoded(line: object, **_: object) -> str:
    """One line as JSON, by one encoder for all of them: making one for each costs more than the line."""
    return _ENCODER.encode(line)
