"""Work that must come to its end although the task that asked for it is being cancelled.

A server goes on with a call whose caller went away: whoever looks next must not look before it has ended.
"""

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
        if task.done() and not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it: whoever asked is gone
        raise
