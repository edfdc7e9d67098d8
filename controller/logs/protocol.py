"""Where lines about previews go. Writing never blocks and never fails the work that speaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from controller.api.names import PreviewKey


class LogType(StrEnum):
    """What a line is about."""

    BUILD = "build"
    DEPLOY = "deploy"
    CONTAINER = "container"
    DATABASE = "database"
    SYSTEM = "system"


@dataclass(frozen=True)
class LogEntry:
    """One line; `message` is already free of secrets."""

    preview: PreviewKey
    slug: str
    commit: str
    type: LogType
    message: str
    created_at: datetime
    service: str | None = None


class LogSink(Protocol):
    """Takes lines."""

    def write(self, entry: LogEntry) -> None:
        """Keep one line; returns at once."""
