"""The log's in-memory twin: keeps entries in a list."""

from __future__ import annotations

from collections import deque

from controller.logs.protocol import LogEntry


class MemorySink:
    """Keeps the newest entries."""

    def __init__(self, limit: int = 10_000) -> None:
        self.entries: deque[LogEntry] = deque(maxlen=limit)

    def write(self, entry: LogEntry) -> None:
        """Keep one line."""
        self.entries.append(entry)

    def text(self) -> str:
        """All messages, one a line."""
        return "\n".join(entry.message for entry in self.entries)
