"""Background work: begun again when it fails, which is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from controller.clock import Clock

log = structlog.get_logger()

RESTART_SECONDS = 5.0


async def kept_up(work: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Background work that fails is told of and begun again: without it, nobody would notice drift."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background work failed and begins again", work=getattr(work, "__name__", ""))
        await clock.sleep(RESTART_SECONDS)
