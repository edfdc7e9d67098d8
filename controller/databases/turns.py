"""Turns: so many at once may use a server, and a long queue before it is bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

QUEUE_SECONDS = 30.0


@asynccontextmanager
async def turn(slots: asyncio.Semaphore) -> AsyncGenerator[None]:
    """Wait for one's turn; a long queue is no outage, but nobody stands in it for ever.

    Raises:
        TimeoutError: it took too long.
    """
    async with asyncio.timeout(QUEUE_SECONDS):
        await slots.acquire()
    try:
        yield
    finally:
        slots.release()
