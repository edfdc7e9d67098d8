"""Time, handed in: the wall clock in production, a clock that only tests move in tests."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time of day, UTC."""

    def instant(self) -> datetime:
        """The same with microseconds."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time of day, UTC, in whole seconds as Kubernetes writes it."""
        return datetime.now(UTC).replace(microsecond=0)

    def instant(self) -> datetime:
        """The same with microseconds."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        await asyncio.sleep(seconds)
