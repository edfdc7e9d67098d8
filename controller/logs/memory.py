"""The log's in-memory twins: a sink that keeps entries in a list, and a whole store."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import (
    EVERYTHING,
    FIRST_PAGE,
    Batch,
    Filter,
    Line,
    LogHead,
    Page,
)
from controller.logs.stored import unicode_text
from controller.runtime.output import Position, Positions, Stream


class MemorySink:
    """Keeps the newest entries."""

    def __init__(self, limit: int = 10_000) -> None:
        self.entries: deque[LogEntry] = deque(maxlen=limit)

    def write(self, entry: LogEntry) -> None:
        """Keep one entry."""
        self.entries.append(entry)

    async def room(self) -> None:
        """There always is."""

    def text(self) -> str:
        """All messages, one a line."""
        return "\n".join(entry.message for entry in self.entries)


class Unread:
    """Nobody reads what containers print, so that nobody has to be waited for."""

    async def read_out(self, name: str) -> None:
        """At once."""


class MemoryStore:
    """Implements `LogStore`; `available = False` makes every call fail."""

    def __init__(self) -> None:
        self.available = True
        self.expires: timedelta | None = None
        self._lines: dict[LogKey, deque[Line]] = {}
        self._last: dict[LogKey, Line] = {}
        self._tokens: deque[str] = deque(maxlen=1000)
        self._positions: dict[str, dict[Stream, Position]] = {}

    async def append(self, batch: Batch) -> None:
        """See LogStore.append."""
        self._check()
        if batch.token in self._tokens:
            return
        self._tokens.append(batch.token)
        for entry in batch.entries:
            before = self._last.get(entry.key)
            kept = replace(entry, mark=None, message=unicode_text(entry.message))
            line = Line(before.sequence + 1 if before else 1, kept)
            self._last[entry.key] = line
            self._lines.setdefault(entry.key, deque()).append(line)
            if entry.mark is not None:
                self._positions.setdefault(entry.mark.source, {})[entry.mark.stream] = entry.mark.position

    async def last(self, keys: Collection[LogKey]) -> Mapping[LogKey, int]:
        """See LogStore.last."""
        self._check()
        return {key: self._last[key].sequence for key in keys if key in self._last}

    async def read(
        self, key: LogKey, where: Filter = EVERYTHING, page: Page = FIRST_PAGE
    ) -> tuple[Line, ...]:
        """See LogStore.read."""
        found = self._found(key, where)
        if page.last:
            end = max(0, len(found) - page.skip)
            return tuple(found[max(0, end - page.limit) : end])
        return tuple(found[page.skip : page.skip + page.limit])

    async def count(self, key: LogKey, where: Filter = EVERYTHING) -> int:
        """See LogStore.count."""
        return len(self._found(key, where))

    async def by_type(self, key: LogKey) -> Mapping[LogType, int]:
        """See LogStore.by_type."""
        return dict(Counter(line.entry.type for line in self._found(key, EVERYTHING)))

    async def find(self, repository: str, preview_id: str) -> tuple[LogHead, ...]:
        """See LogStore.find."""
        wanted = [
            head
            for head in await self.heads()
            if head.key.repository == repository.lower() and head.preview_id == preview_id
        ]
        return tuple(sorted(wanted, key=lambda head: head.last_at, reverse=True))

    async def heads(self) -> tuple[LogHead, ...]:
        """See LogStore.heads."""
        self._check()
        return tuple(self._head(key) for key, lines in self._lines.items() if lines)

    async def positions(self, sources: Collection[str]) -> Mapping[str, Positions]:
        """See LogStore.positions."""
        self._check()
        return {name: dict(self._positions[name]) for name in sources if name in self._positions}

    async def remove(self, key: LogKey, through: int) -> int:
        """See LogStore.remove."""
        self._check()
        lines = self._lines.get(key, deque())
        before = len(lines)
        while lines and lines[0].sequence <= through:
            lines.popleft()
        return before - len(lines)

    async def expire(self, after: timedelta | None) -> None:
        """See LogStore.expire; nothing goes by itself here, what was asked for can be looked at."""
        self._check()
        self.expires = after

    async def check(self) -> None:
        """See LogStore.check."""
        self._check()

    async def close(self) -> None:
        """Nothing to let go of."""

    def _check(self) -> None:
        if not self.available:
            raise BackendUnavailable(
                "LogStoreUnavailable", "The in-memory log store does not answer; switch it on."
            )

    def _found(self, key: LogKey, where: Filter) -> list[Line]:
        self._check()
        return [line for line in self._lines.get(key, ()) if holds(line, where)]

    def _head(self, key: LogKey) -> LogHead:
        lines, newest = self._lines[key], self._last[key]
        entry = newest.entry
        return LogHead(
            key, entry.preview_id, entry.pr_number, lines[0].sequence, newest.sequence, entry.created_at
        )


def holds(line: Line, where: Filter) -> bool:
    """Whether a filter finds a line; what every store does in its own words."""
    entry = line.entry
    return (
        (not where.types or entry.type in where.types)
        and (not where.services or entry.service in where.services)
        and (where.since is None or entry.created_at >= where.since)
        and (where.until is None or entry.created_at < where.until)
        and (not where.text or _lower(where.text) in _lower(entry.message))
        and line.sequence > where.after
        and (where.before is None or line.sequence < where.before)
    )


def _lower(text: str) -> str:
    """Letters of ASCII in lower case, all else as it is: what SQLite's LIKE does."""
    return "".join(c.lower() if c.isascii() else c for c in text)
