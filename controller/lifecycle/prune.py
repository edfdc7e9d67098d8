"""Pruning: the engine is rid of what builds left, at start, at an interval, and soon after a build was
refused for want of room.

    interval, DiskGuard.low ─▶ Runtime.prune ─▶ a line in the operator's log ─▶ the guard asks anew
"""

from __future__ import annotations

import asyncio

import structlog

from controller.api.errors import PreviewError
from controller.clock import Clock
from controller.lifecycle.disk import DiskGuard, amount
from controller.runtime.protocol import Runtime

log = structlog.get_logger()

PAUSE_SECONDS = 300.0
"""At least so long between two, however full the disk is: a second one finds little more."""


class Pruner:
    """Frees room in the background.

    Args:
        runtime: the engine.
        clock: lets the time pass between two.
        guard: says when there is not enough room.
        interval_seconds: between two.
        cache_bytes: what the engine's build cache may have; None: it is left alone.
    """

    def __init__(
        self,
        runtime: Runtime,
        clock: Clock,
        guard: DiskGuard,
        *,
        interval_seconds: float,
        cache_bytes: int | None = None,
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._guard = guard
        self._interval = interval_seconds
        self._cache_bytes = cache_bytes

    async def run(self) -> None:
        """Prune for ever."""
        while True:
            await self.once()
            await self._pause()

    async def once(self) -> None:
        """Prune now; an engine that does not answer is told of, and asked again the next time."""
        self._guard.low.clear()
        try:
            freed = await self._runtime.prune(self._cache_bytes)
            if freed:
                self._guard.forget()
                log.info("pruned", freed=amount(freed))
            await self._guard.look()
        except PreviewError as error:
            log.warning("pruning failed", reason=error.reason, message=error.message)

    async def _pause(self) -> None:
        shortest = min(PAUSE_SECONDS, self._interval)
        await self._clock.sleep(shortest)
        waits = (
            asyncio.ensure_future(self._clock.sleep(self._interval - shortest)),
            asyncio.ensure_future(self._guard.low.wait()),
        )
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
