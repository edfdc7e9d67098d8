"""Retention: what is too old, or too much, leaves the store, and goes into the archive before.

every 30 s: heads ──▶ through which sequence ──▶ lines ──▶ Archive.put by day ──▶ LogStore.remove

Entries leave in the order of their sequence, in lumps, so that the archive has few and large parts. What
could not be archived stays in the store and is tried again; health tells.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import structlog

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.clock import Clock
from controller.logs.archive import Archive
from controller.logs.protocol import LogEntry, LogSink, LogType
from controller.logs.store import Filter, Line, LogHead, LogStore, Page

log = structlog.get_logger()

PASS_SECONDS = 30.0
LUMP = 0.05
"""This part of what may be kept, in time or in number, leaves together."""
LUMP_MOST = timedelta(hours=1)
"""No entry stays longer than this after its time."""
STEP_LINES, STEP_CHARACTERS = 10_000, 8 * 1024 * 1024
"""What is removed, or archived, at once."""
STEPS = 10
"""Steps of one log in one pass."""
READ_LINES = 1_000
FAILURES_MOST = 3
"""After so many logs in a pass that could not be shortened, the others wait for the next one."""


class Bounds(Protocol):
    """What may be kept: the operator's settings."""

    @property
    def log_retention_days(self) -> float:
        """Days that entries are kept."""

    @property
    def log_entries(self) -> int:
        """Entries of one log at most."""


@dataclass(frozen=True)
class _Failing:
    since: datetime
    error: BackendUnavailable


class Keeper:
    """Keeps logs within their bounds."""

    def __init__(
        self, store: LogStore, archive: Archive | None, clock: Clock, bounds: Bounds, sink: LogSink
    ) -> None:
        """Begin without having looked.

        Args:
            store: what is kept within bounds.
            archive: where entries go before they are removed; None: nowhere.
            clock: tells what is old.
            bounds: age and number.
            sink: takes the entries that say that others went.
        """
        self._store, self._archive, self._clock, self._sink = store, archive, clock, sink
        self._age = timedelta(days=bounds.log_retention_days)
        self._most = bounds.log_entries
        self._expiry_set = False
        self._oldest: dict[LogKey, tuple[int, datetime]] = {}
        self._failed: set[LogKey] = set()
        self._failing: _Failing | None = None

    async def run(self) -> None:
        """Look every 30 s; never ends."""
        while True:
            await self.keep()
            await self._clock.sleep(PASS_SECONDS)

    async def check(self) -> None:
        """Raises BackendUnavailable while logs cannot be kept within their bounds."""
        if self._failing is not None:
            since, error = self._failing.since, self._failing.error
            raise BackendUnavailable(
                error.reason,
                f"Old entries of logs have not been removed since {since:%Y-%m-%d %H:%M:%S} (UTC): "
                f"{error.message}",
            )

    async def keep(self) -> None:
        """Look at every log once; what fails is told, and done in the next pass."""
        failed: dict[LogKey, BackendUnavailable] = {}
        try:
            await self._set_expiry()
            heads = await self._store.heads()
        except BackendUnavailable as error:
            self._told(error)
            return
        self._oldest = {head.key: self._oldest[head.key] for head in heads if head.key in self._oldest}
        for head in sorted(heads, key=lambda head: head.key in self._failed):
            try:
                await self._shorten(head)
            except BackendUnavailable as error:
                failed[head.key] = error
                if len(failed) >= FAILURES_MOST:
                    break
        self._failed = set(failed)
        self._told(next(iter(failed.values()), None))

    def _told(self, error: BackendUnavailable | None) -> None:
        if error is None:
            if self._failing is not None:
                log.info("old entries of logs are removed again")
            self._failing = None
        elif self._failing is None:
            log.warning("old entries of logs cannot be removed", why=str(error))
            self._failing = _Failing(self._clock.now(), error)
        else:
            self._failing = _Failing(self._failing.since, error)

    async def _set_expiry(self) -> None:
        """A server that removes by itself would remove what is not archived yet."""
        if not self._expiry_set:
            await self._store.expire(None if self._archive else self._age)
            self._expiry_set = True

    async def _shorten(self, head: LogHead) -> None:
        aged = await self._aged(head)
        if aged >= head.first:
            await self._remove(head, aged)
        if head.kept > self._most:
            through = head.last - self._most + int(self._most * LUMP)
            removed = await self._remove(head, through) if through > aged else 0
            if removed:
                await self._say(head, removed)

    async def _aged(self, head: LogHead) -> int:
        """The newest sequence of those at the beginning that are too old; 0 when it is not time for any."""
        cutoff = self._clock.instant() - self._age
        known = self._oldest.get(head.key)
        if known is None or known[0] != head.first:
            first = await self._store.read(head.key, page=Page(1))
            if not first:
                return 0
            known = self._oldest[head.key] = (head.first, first[0].entry.created_at)
        if known[1] >= cutoff - min(LUMP_MOST, self._age * LUMP):
            return 0
        young = await self._store.read(head.key, Filter(since=cutoff), Page(1))
        return young[0].sequence - 1 if young else head.last

    async def _remove(self, head: LogHead, through: int) -> int:
        """Take away the oldest, as many as one pass may; gives how many went."""
        removed, after = 0, head.first - 1
        for _ in range(STEPS):
            if after >= through:
                break
            after = await self._archived(head, after, through)
            removed += await self._store.remove(head.key, after)
        return removed

    async def _archived(self, head: LogHead, after: int, through: int) -> int:
        """Archive what comes after a sequence, one step of it; gives up to which one that is done."""
        if self._archive is None:
            return min(through, after + STEP_LINES)
        lines, end = await self._step(head.key, after, through)
        days: defaultdict[date, list[Line]] = defaultdict(list)
        for line in lines:
            days[line.entry.created_at.astimezone(UTC).date()].append(line)
        for day in sorted(days):
            await self._archive.put(head.key, head.preview_id, day, days[day])
        return end

    async def _step(self, key: LogKey, after: int, through: int) -> tuple[list[Line], int]:
        lines: list[Line] = []
        characters = 0
        while len(lines) < STEP_LINES and characters < STEP_CHARACTERS:
            read = await self._store.read(key, Filter(after=after, before=through + 1), Page(READ_LINES))
            if not read:
                return lines, through
            lines += read
            characters += sum(len(line.entry.message) for line in read)
            after = lines[-1].sequence
        return lines, after

    async def _say(self, head: LogHead, removed: int) -> None:
        newest = await self._store.read(head.key, page=Page(1, last=True))
        went = "went into the archive" if self._archive else "were removed"
        entries = "entry" if removed == 1 else "entries"
        self._sink.write(
            LogEntry(
                key=head.key,
                preview_id=head.preview_id,
                commit=newest[0].entry.commit if newest else "",
                type=LogType.SYSTEM,
                message=f"The oldest {removed:,} {entries} {went}: this log keeps {self._most:,} at most.",
                created_at=self._clock.instant(),
                pr_number=head.pr_number,
                metadata={"removed": removed},
            )
        )
