"""What is said about previews, and who takes it. Writing never blocks and never fails the work that speaks.

reconciles, builds, containers, the bridge ──▶ LogEntry ──▶ LogSink ──▶ batches ──▶ LogStore
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from controller.api.names import LogKey
from controller.runtime import output
from controller.runtime.output import Position, Stream

MESSAGE_MAX = output.LINE_BYTES
"""Bytes of UTF-8 that one entry may have; what is longer is cut."""
CUT_MARK = output.CUT_MARK


class LogType(StrEnum):
    """What an entry is about."""

    BUILD = "build"
    DEPLOY = "deploy"
    CONTAINER = "container"
    DATABASE = "database"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Mark:
    """Which line of which container's stream an entry is, so that reading can be resumed behind it."""

    source: str
    """The container's id, at the engine."""
    stream: Stream
    position: Position


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry, before it has a sequence."""

    key: LogKey
    preview_id: str
    """The slug; for display alone."""
    commit: str
    type: LogType
    message: str
    created_at: datetime
    """UTC, with microseconds."""
    pr_number: int | None = None
    service: str | None = None
    stream: Stream | None = None
    metadata: Mapping[str, str | int] = field(default_factory=dict)
    mark: Mark | None = None
    """Of a container's line."""


class LogSink(Protocol):
    """Takes entries."""

    def write(self, entry: LogEntry) -> None:
        """Keep one entry; returns at once."""

    async def room(self) -> None:
        """Wait until there is room for many more: whoever can hold its source up, waits here first."""
