"""Alarm: what wakes a worker, now or later, for a look or only to write something down."""

from __future__ import annotations

import asyncio

from controller.clock import Clock
from controller.passes import Trigger, stronger

BACKOFF_FIRST, BACKOFF_MAX = 1.0, 60.0


def backoff(failures: int) -> float:
    """Seconds until the next try after this many failures in a row."""
    return min(BACKOFF_FIRST * 2.0 ** max(failures - 1, 0), BACKOFF_MAX)


class Alarm:
    """Rings for one worker. However often it rings before it is heard, it is heard once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()
        self._trigger: Trigger | None = None
        self._later: asyncio.Task[None] | None = None
        self._reason = Trigger.RETRY
        self._due = 0.0

    @property
    def pending(self) -> bool:
        """It rings now or later."""
        return self._rung.is_set() or self._later is not None

    def ring(self, trigger: Trigger) -> None:
        """It is to be looked at now, because of that; what was to ring later does not."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._trigger = stronger(self._trigger, trigger)
        self._rung.set()

    def touch(self) -> None:
        """There is something to write down, and nothing to look at."""
        self._rung.set()

    def ring_in(self, seconds: float, trigger: Trigger) -> None:
        """Ring after that time because of that, and not at another one set before."""
        if self._later is not None:
            self._later.cancel()
        self._due = self._clock.monotonic() + seconds
        self._reason = trigger
        self._later = asyncio.create_task(self._ring_after(seconds))

    def hasten(self, seconds: float, trigger: Trigger) -> None:
        """Ring now; where it is set for later, after that time at the latest."""
        if self._later is None:
            self.ring(trigger)
        elif self._due - self._clock.monotonic() > seconds:
            self.ring_in(seconds, stronger(self._reason, trigger))

    async def heard(self) -> Trigger | None:
        """Wait until it rings; the strongest reason for a look, or None where there is nothing to look at."""
        await self._rung.wait()
        self._rung.clear()
        trigger, self._trigger = self._trigger, None
        return trigger

    async def close(self) -> None:
        """It rings no more."""
        if self._later is not None:
            self._later.cancel()
            await asyncio.gather(self._later, return_exceptions=True)

    async def _ring_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._later = None
        self.ring(self._reason)
