"""What is said becomes what is kept: entries are taken at once, and stored in batches by a task of its own.

write(entry) ──▶ Waiting ──(within 50 ms)──▶ masked and cut ──▶ Batch ──▶ LogStore.append, until it works

Nobody who writes ever waits for the store or hears of its failures. While it does not answer, entries wait;
when too many do, the oldest are dropped, counted by log, and an entry says so once the store is back.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.clock import Clock
from controller.logs.masks import Masks
from controller.logs.protocol import CUT_MARK, MESSAGE_MAX, LogEntry, LogType
from controller.logs.store import Batch, LogStore
from controller.logs.waiting import Waiting

log = structlog.get_logger()

FLUSH_SECONDS = 0.04
"""How long the first entry waits for others."""
BATCH_MOST = 2_000
BATCH_BYTES = 4 * 1024 * 1024
APPEND_SECONDS = 15.0
"""A store that takes longer for one batch counts as one that does not answer."""
HANGS_SECONDS = 5.0
"""After this, health tells of a batch that is under way."""
PATIENCE_SECONDS = 60.0
"""A batch that the store refuses, though it answers, is given up after this."""
FIRST_BACKOFF, LAST_BACKOFF = 0.1, 2.0
CLOSE_SECONDS = 5.0
_CUT_BYTES = len(CUT_MARK.encode())
_TAKEN = 4 * MESSAGE_MAX
"""Characters of a message that are held at most, before it is masked and cut."""


class LogMeter(Protocol):
    """Who counts entries."""

    def stored(self, by_type: Mapping[LogType, int]) -> None:
        """The store took so many."""

    def lost(self, count: int) -> None:
        """It did not take so many."""


class LogWriter:
    """Implements `LogSink`: the only one who appends to the store."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is made of, each once
        self,
        store: LogStore,
        masks: Masks,
        clock: Clock,
        draw_token: Callable[[], str],
        waiting: Waiting | None = None,
        meter: LogMeter | None = None,
    ) -> None:
        """Begin with nothing to write.

        Args:
            store: where entries go.
            masks: what no entry may show.
            clock: tells time.
            draw_token: a new name for a batch, never the same twice.
            waiting: the queue, with other bounds than the usual ones.
            meter: counts what is stored and what is lost.
        """
        self._store, self._masks, self._clock, self._draw = store, masks, clock, draw_token
        self._waiting = Waiting() if waiting is None else waiting
        self._meter = meter
        self._waiting.heard = meter.lost if meter is not None else None
        self._batch: Batch | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing: _Trouble | None = None
        self._attempt: _Trouble | None = None
        self._closing = False

    def write(self, entry: LogEntry) -> None:
        """Keep one entry; returns at once."""
        if len(entry.message) > _TAKEN:
            entry = replace(entry, message=entry.message[:_TAKEN])
        self._waiting.add(entry)
        if self._task is None and not self._closing:
            work = self._flush()  # it outlives the pass that it begins in, and must not speak in its name
            self._task = asyncio.create_task(work, name="log writer", context=Context())

    async def room(self) -> None:
        """Wait until few entries wait."""
        await self._waiting.room()

    async def check(self) -> None:
        """Raises BackendUnavailable (LogsNotKept) while entries cannot be stored."""
        if self._failing is not None:
            raise self._not_kept(self._failing)
        attempt = self._attempt
        if attempt is not None and self._clock.monotonic() - attempt.began > HANGS_SECONDS:
            raise self._not_kept(attempt)
        await self._store.check()

    async def close(self) -> None:
        """Store what waits, for 5 s at most."""
        self._closing = True
        task = self._task
        if task is not None:
            await asyncio.wait({task}, timeout=CLOSE_SECONDS)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        left = self._left()
        if left:
            log.error("entries of previews' logs were not stored before the end", entries=left)

    def _not_kept(self, trouble: _Trouble) -> BackendUnavailable:
        lost = f", {self._waiting.lost:,} were dropped" if self._waiting.lost else ""
        since = f"{trouble.since:%Y-%m-%d %H:%M:%S} (UTC)"
        return BackendUnavailable(
            "LogsNotKept",
            f"What previews say has not been stored since {since}: {trouble.why} "
            f"{self._left():,} entries wait{lost}. Look at the store that LOG_STORE_URL names.",
        )

    def _left(self) -> int:
        return len(self._waiting) + (len(self._batch.entries) if self._batch else 0)

    async def _flush(self) -> None:
        try:
            if not self._closing:
                await self._clock.sleep(FLUSH_SECONDS)
            backoff = FIRST_BACKOFF
            while self._batch is not None or len(self._waiting):
                if await self._stored():
                    backoff = FIRST_BACKOFF
                else:
                    await self._clock.sleep(backoff)
                    backoff = min(LAST_BACKOFF, backoff * 2)
        finally:
            self._task = None
            self._waiting.let_in()

    async def _stored(self) -> bool:
        """Whether the next batch is stored; one that is not stays the next, under the same token."""
        if self._batch is None:
            entries = tuple(self._fit(entry) for entry in self._waiting.take(BATCH_MOST, BATCH_BYTES))
            self._batch = Batch(self._draw(), entries)
        self._attempt = self._trouble("the store does not answer.")
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                await self._store.append(self._batch)
        except TimeoutError:
            self._failed(f"no answer within {APPEND_SECONDS:.0f} s.")
            return False
        except BackendUnavailable as error:
            self._failed(error.message)
            return False
        except Exception as error:  # whatever a batch may do to a store, the entries after it are to be kept
            log.exception("a batch of entries is refused by the log store")
            self._failed(f"the store refuses a batch ({type(error).__name__}).")
            self._give_up_in_time()
            return False
        finally:
            self._attempt = None
        if self._meter is not None:
            self._meter.stored(Tally(entry.type for entry in self._batch.entries))
        self._batch = None
        self._recovered()
        self._waiting.let_in()
        return True

    def _failed(self, why: str) -> None:
        if self._failing is None:
            log.warning("previews' logs cannot be stored", why=why)
            self._failing = self._trouble(why)
        self._failing.why = why

    def _trouble(self, why: str) -> _Trouble:
        return _Trouble(self._clock.now(), self._clock.monotonic(), why)

    def _give_up_in_time(self) -> None:
        waited = self._clock.monotonic() - self._failing.began if self._failing else 0.0
        if self._batch is not None and waited >= PATIENCE_SECONDS:
            for entry in self._batch.entries:
                self._waiting.drop(entry)
            self._batch = None

    def _recovered(self) -> None:
        failing, self._failing = self._failing, None
        if failing is not None:
            log.info("previews' logs are stored again", dropped=self._waiting.lost)
        since = failing.since if failing else None
        told = tuple(part.told(since, self._clock.instant()) for part in self._waiting.dropped())
        self._waiting.lost = 0
        if told:  # they come before what was written after those that are missing
            self._batch = Batch(self._draw(), told)

    def _fit(self, entry: LogEntry) -> LogEntry:
        key, message = entry.key, entry.message
        cut = len(message) == _TAKEN or message.endswith(CUT_MARK)
        masked = self._cut_and_masked(key, message) if cut else self._masks.text(key, message)
        masked = _fitting(masked)
        metadata = self._metadata(key, entry) if entry.metadata else entry.metadata
        if masked is message and metadata == entry.metadata:
            return entry
        return replace(entry, message=masked, metadata=metadata)

    def _cut_and_masked(self, key: LogKey, message: str) -> str:
        whole = self._masks.cut_text(key, message.removesuffix(CUT_MARK))
        return f"{whole}{CUT_MARK}"

    def _metadata(self, key: LogKey, entry: LogEntry) -> dict[str, str | int]:
        return {
            _fitting(self._masks.text(key, name)): _fitting(self._masks.text(key, value))
            if isinstance(value, str)
            else value
            for name, value in entry.metadata.items()
        }


@dataclass
class _Trouble:
    """Since when the store has not taken a batch."""

    since: datetime
    began: float
    why: str


def _fitting(text: str) -> str:
    """The text as UTF-8 holds it, cut to the size of a message."""
    if text.isascii() and len(text) <= MESSAGE_MAX:
        return text
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= MESSAGE_MAX:
        return encoded.decode()
    return encoded[: MESSAGE_MAX - _CUT_BYTES].decode("utf-8", "ignore") + CUT_MARK
