"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

DEADLINE_SECONDS = 60.0
PAUSE_SECONDS = 0.05

T = TypeVar("T")


def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds; AssertionError after a minute."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(PAUSE_SECONDS)


async def eventually(ask: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
    """Ask until the answer is as wanted, and give that answer; AssertionError after a minute."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not wanted(answer := await ask()):
        assert time.monotonic() < deadline, f"the last answer was {answer!r}"
        await asyncio.sleep(PAUSE_SECONDS)
    return answer
