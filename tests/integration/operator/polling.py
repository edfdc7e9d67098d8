"""Waiting for something to become true: asked again and again until a deadline."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.1


async def until(
    ask: Callable[[], T | Awaitable[T]],
    seconds: float,
    good: Callable[[T], object] = bool,
    told: Callable[[], str] = str,
) -> T:
    """Ask until the answer is good; gives that answer. Fails with the last one, and with what `told` adds."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        found: T = await answer if inspect.isawaitable(answer) else answer  # type: ignore[assignment]
        if good(found):
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s; last answer: {found!r}\n{told()}"
        await asyncio.sleep(PAUSE)
