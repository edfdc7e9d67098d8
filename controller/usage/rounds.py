"""Rounds: every instance is measured, then nothing for a while, for as long as the operator runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from controller.api.errors import BackendUnavailable
from controller.clock import Clock
from controller.runtime.usage import UsageSource
from controller.usage.meter import Meter

log = structlog.get_logger()

REST = 4
"""After a round nothing is asked for at least so many times as long as it took: however many instances there
are, the engine measures a fifth of the time at most.
"""


def rounds(source: UsageSource, meter: Meter, clock: Clock, interval: float) -> Callable[[], Awaitable[None]]:
    """Work that measures at an interval, for ever.

    Args:
        source: what is asked.
        meter: takes what was found.
        clock: time.
        interval: seconds from the beginning of a round to the next one's, unless rounds take long.
    """

    async def usage() -> None:
        told = False
        while True:
            began = clock.monotonic()
            try:
                meter.take(await source.sample(), clock.monotonic())
                told = False
            except BackendUnavailable as error:
                meter.unknown()
                if not told:
                    log.warning("what previews use is not known", reason=error.reason, message=error.message)
                told = True
            took = clock.monotonic() - began
            await clock.sleep(max(interval - took, REST * took))

    return usage
