"""Follows logs for all who read them live: one question to the store for all logs, many times a second, and
each new line read once.

    store.last(all followed logs) ──▶ store.read(what is new) ──▶ Followed.publish ──▶ readers' bells

It works on every store and across processes, since it only reads; nobody follows, nothing is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.background import kept_up
from controller.clock import Clock
from controller.logs.store import Filter, LogStore, Page
from webhook.logs.followed import Followed, Reader, Want

log = structlog.get_logger()

POLL_SECONDS = 0.05
DOWN_SECONDS = 0.5
"""Between two questions to a store that does not answer."""
_PAUSE_MIN = 0.01
_PAGE = 500
_AT_ONCE = 8
"""Logs that are read side by side."""


class Hub:
    """Follows logs while somebody reads them.

    Args:
        store: where the lines are.
        clock: paces the questions.
        poll_seconds: between two of them.
    """

    def __init__(self, store: LogStore, clock: Clock, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._logs: dict[LogKey, Followed] = {}
        self._somebody = asyncio.Event()
        self._reading = asyncio.Semaphore(_AT_ONCE)
        self.trouble = ""
        """Why the store does not answer; empty while it does."""
        self.closing = False
        """The bridge ends: every reader is to go."""

    def __len__(self) -> int:
        return len(self._logs)

    @asynccontextmanager
    async def follow(self, key: LogKey, want: Want, bell: asyncio.Event) -> AsyncIterator[Reader]:
        """Follow a log.

        Args:
            key: which log.
            want: what is wanted of it, and from where on.
            bell: rings when there may be something to take, and when `trouble` or `closing` changed.

        Raises:
            BackendUnavailable: LogStoreUnavailable.
        """
        last = await self._store.last((key,))
        followed = self._logs.get(key)
        if followed is None:
            followed = self._logs[key] = Followed(key, last.get(key, 0))
        reader = Reader(followed, self._store, want, bell)
        followed.readers.add(reader)
        self._somebody.set()
        try:
            yield reader
        finally:
            followed.readers.discard(reader)
            if not followed.readers and self._logs.get(key) is followed:
                del self._logs[key]
            if not self._logs:
                self._somebody.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for new lines until the end."""
        task = asyncio.create_task(kept_up(self.run, self._clock))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        """Look for new lines for ever."""
        while True:
            await self._somebody.wait()
            begin = self._clock.monotonic()
            await self.look()
            took = self._clock.monotonic() - begin
            pause = DOWN_SECONDS if self.trouble else max(_PAUSE_MIN, self._poll_seconds - took)
            await self._clock.sleep(pause)

    async def look(self) -> None:
        """Look for new lines once; a store that does not answer is told to all readers, once."""
        try:
            await self._look()
        except BackendUnavailable as error:
            if not self.trouble:
                log.warning("logs cannot be followed", reason=error.reason, message=error.message)
            self._say(error.message)
        else:
            if self.trouble:
                log.info("logs are followed again")
                self._say("")

    def close(self) -> None:
        """Send every reader away, and every one that still comes."""
        self.closing = True
        self._ring()

    async def _look(self) -> None:
        newest = await self._store.last(tuple(self._logs))
        behind = [
            (followed, newest[key])
            for key, followed in self._logs.items()
            if newest.get(key, 0) > followed.position
        ]
        outcomes = await asyncio.gather(
            *(self._read(followed, last) for followed, last in behind), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _read(self, followed: Followed, last: int) -> None:
        async with self._reading:
            while followed.position < last and followed.readers:
                where = Filter(after=followed.position, before=last + 1)
                lines = await self._store.read(followed.key, where, Page(_PAGE))
                # fewer than a page: that was all, even where old lines were removed meanwhile
                through = lines[-1].sequence if len(lines) == _PAGE else last
                followed.publish(lines, through)
                await asyncio.sleep(0)  # readers take what came before more comes

    def _say(self, trouble: str) -> None:
        self.trouble = trouble
        self._ring()

    def _ring(self) -> None:
        for followed in self._logs.values():
            for reader in followed.readers:
                reader.bell.set()
