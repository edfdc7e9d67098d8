"""How late the event loop is: a task wants to wake up every half second, and measures how late it does.

Whatever blocks the loop delays everything: answers to Traefik, visitors that wait, probes.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

from controller.clock import Clock

EVERY_SECONDS = 0.5
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class LoopLag:
    """Measures the loop that runs it.

    Args:
        registry: shows it.
        clock: time.
    """

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        self._lag = Histogram(
            "previewcloud_event_loop_lag_seconds",
            "How much later than it was due the event loop went on, looked at twice a second.",
            buckets=BUCKETS,
            registry=registry,
        )

    async def run(self) -> None:
        """Measure for ever."""
        while True:
            due = self._clock.monotonic() + EVERY_SECONDS
            await self._clock.sleep(EVERY_SECONDS)
            self._lag.observe(max(0.0, self._clock.monotonic() - due))
