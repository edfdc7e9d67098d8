"""One stream of a log: what it says, in which order, and when it ends; the wire beneath is handed in.

    lines (a Reader), states (Statuses), trouble (the Hub) ──▶ frames ──▶ send ──▶ an Ending

First the state, then lines that were before, then those that come. When the Preview goes, its last lines are
given and the stream ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from controller.api.errors import BackendUnavailable
from controller.clock import Clock
from webhook.logs.followed import Reader, Want
from webhook.logs.frames import error_frame, missed_frame, status_frame
from webhook.logs.hub import DOWN_SECONDS, Hub
from webhook.logs.lookup import FoundLog
from webhook.logs.statuses import State, Statuses

STATES_MAX = 16
"""States that wait for a slow reader."""
Send = Callable[[bytes], Awaitable[None]]
"""Hands bytes to the wire; waits while that is full."""


@dataclass(frozen=True)
class Ending:
    """Why a stream ends."""

    code: int
    """Of WebSocket's (RFC 6455, section 7.4.1)."""
    reason: str


GONE = Ending(1000, "The preview is gone.")
CLOSING = Ending(1001, "The bridge ends; come back in a moment.")
EXPIRED = Ending(1008, "The token has expired.")


@dataclass(frozen=True)
class Pace:
    """What streams do by the clock, in seconds."""

    ping: float = 20.0
    """Between two signs of life."""
    linger: float = 1.0
    """Lines about a Preview's end come a moment after it is gone."""
    quiet: float = 30.0
    """A log whose Preview was gone before is followed until nothing was said for that long."""


@dataclass(frozen=True)
class Source:
    """Where streams have what they say from, and their pace."""

    hub: Hub
    statuses: Statuses
    clock: Clock
    pace: Pace = field(default_factory=Pace)


class Stream:
    """One stream.

    Args:
        source: has what it says.
        found: whose log it is.
        want: what of it, and from where on.
        until: when the right to read it ends.
        pulse: said again and again, so that nobody takes a quiet stream for a dead one; empty: the wire
            has its own.
    """

    def __init__(
        self,
        source: Source,
        found: FoundLog,
        want: Want,
        until: datetime | None = None,
        pulse: bytes = b"",
    ) -> None:
        self._source = source
        self._found = found
        self._want = want
        self._until = until
        self._pulse = pulse
        self._bell = asyncio.Event()
        self._states: deque[State] = deque(maxlen=STATES_MAX)
        self._state = ""
        self._complained = False
        self._beaten = False
        self._given_at = 0.0
        """When lines were given last, by the loop's clock."""
        self._timers: deque[asyncio.TimerHandle] = deque(maxlen=8)
        self._ending: Ending | None = None

    async def run(self, send: Send) -> Ending:
        """Say everything until the end; what `send` raises comes out."""
        hub, key = self._source.hub, self._found.key
        with self._source.statuses.watch(key, self._heard), self._timed():
            self._begin()
            while (ending := self._ended(drained=False)) is None:
                try:
                    async with hub.follow(key, self._want, self._bell) as reader:
                        return await self._follow(reader, send)
                except BackendUnavailable as error:
                    await self._say_news(send)
                    await self._complain(error.message, send)
        return ending

    async def _follow(self, reader: Reader, send: Send) -> Ending:
        while True:
            self._bell.clear()
            await self._say_news(send)
            if missed := reader.missed():
                await send(missed_frame(self._want.wire, missed))
            data = await self._lines(reader, send)
            if data:
                self._given_at = asyncio.get_running_loop().time()
                await send(data)
            drained = reader.drained
            if (ending := self._ended(drained=drained)) is not None:
                return ending
            if drained:
                await self._bell.wait()

    async def _lines(self, reader: Reader, send: Send) -> bytes:
        if reader.live:
            await self._trouble_of_hub(send)
            return reader.take()
        try:
            return await reader.read()
        except BackendUnavailable as error:
            await self._complain(error.message, send)
            return b""

    async def _trouble_of_hub(self, send: Send) -> None:
        trouble = self._source.hub.trouble
        if trouble and not self._complained:
            await send(error_frame(self._want.wire, trouble))
        self._complained = bool(trouble)

    async def _complain(self, message: str, send: Send) -> None:
        """The store does not answer: say it once, and wait a while."""
        if not self._complained:
            self._complained = True
            await send(error_frame(self._want.wire, message))
        await self._source.clock.sleep(DOWN_SECONDS)

    async def _say_news(self, send: Send) -> None:
        """The pulse and states, where there are any to tell."""
        if self._beaten:
            self._beaten = False
            await send(self._pulse)
        while self._states:
            state = self._states.popleft()
            if state.json != self._state:
                self._state = state.json
                await send(status_frame(self._want.wire, state.json))

    def _begin(self) -> None:
        state = self._source.statuses.now(self._found.key, self._found.preview_id)
        if state is None:
            self._end_after(self._source.pace.quiet)
        else:
            self._heard(state)

    def _heard(self, state: State) -> None:
        self._states.append(state)
        self._bell.set()
        if state.gone:
            self._end_after(self._source.pace.linger)

    def _end_after(self, quiet: float) -> None:
        """Nobody says anything any more: end when nothing was given for so many seconds."""
        self._timer(quiet, self._end_if_quiet, quiet)

    def _end_if_quiet(self, quiet: float) -> None:
        left = self._given_at + quiet - asyncio.get_running_loop().time()
        if left > 0:
            self._timer(left, self._end_if_quiet, quiet)
        else:
            self._end(GONE)

    def _timer(self, seconds: float, act: Callable[..., None], *given: object) -> None:
        handle = asyncio.get_running_loop().call_later(max(0.0, seconds), act, *given)
        self._timers.append(handle)

    def _end(self, ending: Ending) -> None:
        self._ending = self._ending or ending
        self._bell.set()

    def _ended(self, *, drained: bool) -> Ending | None:
        """Why it ends now; what is gone has its last lines given first."""
        if self._source.hub.closing:
            return CLOSING
        return None if self._ending is GONE and not drained else self._ending

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """While the stream runs: its end, and its pulse."""
        if self._until is not None:
            seconds = (self._until - self._source.clock.now()).total_seconds()
            self._timer(seconds, self._end, EXPIRED)
        beating = asyncio.create_task(self._beat()) if self._pulse else None
        try:
            yield
        finally:
            for timer in self._timers:
                timer.cancel()
            if beating is not None:
                beating.cancel()

    async def _beat(self) -> None:
        while True:
            await self._source.clock.sleep(self._source.pace.ping)
            self._beaten = True
            self._bell.set()
