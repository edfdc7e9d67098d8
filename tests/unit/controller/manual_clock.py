"""A clock that only the test moves: who sleeps wakes when time is advanced past it, in order."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

ROUNDS = 400
"""Turns of the event loop after which everything that does not sleep has happened."""


async def drain() -> None:
    """Let everything happen that needs no time."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


class ManualClock:
    """Implements `Clock`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self.instant().replace(microsecond=0)

    def instant(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, and everything happen that happens in it."""
        end = self.seconds + seconds
        await drain()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self.seconds = max(self.seconds, due)
            if not future.done():
                future.set_result(None)
                await drain()
        self.seconds = end
