"""A clock that only the test moves, and that goes on as soon as nothing is left to do: days in seconds."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from tests.unit.controller.manual_clock import ManualClock


class SwiftClock(ManualClock):
    """A ManualClock that waits for no more turns of the event loop than there is work for.

    Attributes:
        watchers: called whenever nothing is left to do at an instant.
    """

    def __init__(self) -> None:
        super().__init__()
        self.watchers: list[Callable[[], None]] = []

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, and everything happen that happens in it."""
        end = self.seconds + seconds
        await self.quiet()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self.seconds = max(self.seconds, due)
                future.set_result(None)
                await self.quiet()
        self.seconds = max(self.seconds, end)

    def jump(self, seconds: float) -> None:
        """So much time is gone at once, as on a machine that was suspended."""
        self.seconds += seconds

    async def quiet(self) -> None:
        """Let everything happen that needs no time."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        while loop._ready:  # type: ignore[attr-defined]  # noqa: ASYNC110 - nobody tells when all is done
            await asyncio.sleep(0)
        for watcher in self.watchers:
            watcher()
