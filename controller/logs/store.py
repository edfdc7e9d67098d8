"""Where entries are kept: one protocol for SQLite, MongoDB and the in-memory twin.

The operator alone appends, one batch after the other; everybody may read, from other processes too. A
sequence is given in the insert; it grows by log and is never given twice, also after everything was removed.
Every call raises BackendUnavailable (LogStoreUnavailable) when the store does not answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from controller.api.names import LogKey
from controller.logs.protocol import LogEntry, LogType
from controller.runtime.output import Positions


@dataclass(frozen=True)
class Batch:
    """Entries that are stored together; one that is given again under the same token is not doubled."""

    token: str
    entries: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with its place in its log; the `mark` is not read back."""

    sequence: int
    entry: LogEntry


@dataclass(frozen=True)
class Filter:
    """Which entries; everything that is given must hold."""

    types: frozenset[LogType] = frozenset()
    """Empty: all."""
    services: frozenset[str] = frozenset()
    """Empty: all, and those without a service."""
    since: datetime | None = None
    """Created then or later."""
    until: datetime | None = None
    """Created before then."""
    text: str = ""
    """Part of the message; letters of any case, of ASCII."""
    after: int = 0
    """Of a higher sequence."""
    before: int | None = None
    """Of a lower sequence."""


@dataclass(frozen=True)
class Page:
    """Which of the entries that a filter finds; they are given in the order of their sequence."""

    limit: int = 100
    skip: int = 0
    last: bool = False
    """The last `limit` ones instead of the first; `skip` then counts from the end."""


@dataclass(frozen=True)
class LogHead:
    """One log in short."""

    key: LogKey
    preview_id: str
    pr_number: int | None
    first: int
    """The oldest sequence that is kept; `last + 1` when nothing is left."""
    last: int
    """The newest that was ever given."""
    last_at: datetime
    """When the newest was created."""

    @property
    def kept(self) -> int:
        """How many entries there are at most (sequences may have gaps)."""
        return self.last - self.first + 1


EVERYTHING = Filter()
FIRST_PAGE = Page()


class LogStore(Protocol):
    """Keeps entries."""

    async def append(self, batch: Batch) -> None:
        """Store a batch, all of it or nothing that a second call with the same token would not complete."""

    async def last(self, keys: Collection[LogKey]) -> Mapping[LogKey, int]:
        """The newest sequence of each log, in one cheap call: asked many times a second by who follows.

        Everything up to it can be read. A log without entries is left out.
        """

    async def read(
        self, key: LogKey, where: Filter = EVERYTHING, page: Page = FIRST_PAGE
    ) -> tuple[Line, ...]:
        """Entries of one log, in the order of their sequence."""

    async def count(self, key: LogKey, where: Filter = EVERYTHING) -> int:
        """How many entries of one log a filter finds."""

    async def by_type(self, key: LogKey) -> Mapping[LogType, int]:
        """How many entries of each type a log has; types without any are left out."""

    async def find(self, repository: str, preview_id: str) -> tuple[LogHead, ...]:
        """The logs of a repository under a preview's id, the newest (by `last_at`) first."""

    async def heads(self) -> tuple[LogHead, ...]:
        """All logs that have entries, in no order."""

    async def positions(self, sources: Collection[str]) -> Mapping[str, Positions]:
        """How far each container's output was stored; those of which nothing was are left out."""

    async def remove(self, key: LogKey, through: int) -> int:
        """Remove the oldest entries, up to this sequence; gives how many went."""

    async def expire(self, after: timedelta | None) -> None:
        """Have the server itself remove entries of this age, where it can; None: never."""

    async def check(self) -> None:
        """Raises BackendUnavailable (LogStoreUnavailable) while nothing can be read or written."""

    async def close(self) -> None:
        """Let go of files and connections."""


@dataclass(frozen=True)
class StoreSettings:
    """How a store is opened."""

    url: str = field(repr=False)
    """`sqlite:///relative/path`, `sqlite:////absolute/path` or `mongodb://…/database`."""
    writer: bool = False
    """The operator: it makes what is missing (file, tables, indexes). Others only read."""
