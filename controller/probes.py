"""Probes: whether a process must be restarted, and whether it can do its work.

    loop turns ──▶ an answer at all ┐
    watch ──▶ Pulse ──▶ Liveness ───┴──▶ GET /healthz: 200, or 503 with a sentence; none: the loop is stuck
    Health ────────────────────────────▶ GET /readyz: 200 or 503, a line for each part

A quiet watch and a dead one look alike from inside. Each watch is therefore ended by the API server after a
while and opened again: one that was not opened for much longer than that is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from aiohttp import web

from controller.api.errors import NotReady, PreviewError
from controller.clock import Clock
from controller.health import OK, Health

LIVE_PATH, READY_PATH = "/healthz", "/readyz"
SILENT_SECONDS = 180.0
"""So long without a sign of the watch, it is dead; one that is well gives one every two minutes at least."""
ASK_SECONDS = 0.8
"""What the API server has to answer in, while a probe waits; kubelet's own default is 1 s."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pulse:
    """When a watch last gave a sign of life: it was opened, or brought something."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock.monotonic()
        self._opened = False

    def beat(self) -> None:
        """It lives."""
        self._at = self._clock.monotonic()
        self._opened = True

    def require(self) -> None:
        """Raise NotReady (WatchNotOpened) while there was no sign of it yet."""
        if not self._opened:
            raise NotReady(
                "WatchNotOpened",
                "The watch of Previews has not been opened since the start; the process's log says why.",
            )

    @property
    def silent(self) -> float:
        """Seconds since the last sign, or since the beginning."""
        return self._clock.monotonic() - self._at


class Liveness:
    """Whether a process that answers should go on.

    Args:
        pulse: of its watch.
        ask: a cheap question to the API server; raises a PreviewError when there is no answer.
        silent_seconds: after which a watch counts as dead.
    """

    def __init__(
        self, pulse: Pulse, ask: Callable[[], Awaitable[object]], silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self._pulse = pulse
        self._ask = ask
        self._silent_seconds = silent_seconds
        self._excused = 0.0
        """How silent the watch was when the API server was last found away."""

    async def trouble(self) -> str:
        """Empty, or a sentence: why this process should be restarted.

        The API server is asked only when the watch is silent. While it is away, or slow, a restart would mend
        nothing; when it is back, the watch has its time again.
        """
        silent = self._pulse.silent
        if silent < self._excused:
            self._excused = 0.0
        if silent - self._excused <= self._silent_seconds:
            return ""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._ask()
        except (PreviewError, TimeoutError):
            self._excused = silent
            return ""
        return (
            f"Nothing came of the watch of Previews for {silent:.0f} s, nor was it opened again, while the "
            "API server answers; the process should be restarted."
        )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer GET /healthz."""
        trouble = await self.trouble()
        return web.Response(text=f"{trouble or 'alive'}\n", status=503 if trouble else 200)


def ready(health: Health, parts: Collection[str]) -> Handler:
    """Answers GET /readyz.

    Args:
        health: what is asked; it keeps answers for some seconds.
        parts: the first words of the names that count; the others are left out.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        report = await health.report()
        return readiness({name: said for name, said in report.items() if name.partition(".")[0] in parts})

    return answer


def readiness(report: Mapping[str, str]) -> web.Response:
    """A line for each part; 200 when all of them are well."""
    well = all(said == OK for said in report.values())
    lines = [f"{name}: {said}\n" for name, said in report.items()]
    return web.Response(text="".join(lines), status=200 if well else 503)


def add_probes(app: web.Application, live: Handler, readily: Handler) -> None:
    """Put both into an application."""
    app.router.add_get(LIVE_PATH, live, allow_head=False)
    app.router.add_get(READY_PATH, readily, allow_head=False)
