"""Work that must come to its end although the task that asked for it is being cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

FINISH_SECONDS = 10.0


async def to_the_end(work: Coroutine[None, None, T]) -> T:
    """Give what the work gives; when cancelled meanwhile, wait for it (10 s at most) before ending."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=FINISH_SECONDS)
        raise
