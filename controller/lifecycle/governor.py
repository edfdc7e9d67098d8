"""Governor: one task that decides over all previews, whenever something changed or is due.

    workers: see, busy, admit ┐
    fleet: occupied           ┼──▶ Roll ──▶ standings ──▶ decide ──▶ verdicts ──▶ whoever asks
    proxy: counts of visits   ┘                                 └──▶ what changed ──▶ fleet ──▶ workers

However much changes at once, it is decided once; the next decision is not taken before a moment has gone by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from controller.api.errors import PreviewError
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.status import Phase
from controller.clock import Clock
from controller.lifecycle.access import AccessBook
from controller.lifecycle.deadlines import ttl_end
from controller.lifecycle.decide import Decisions, decide
from controller.lifecycle.protocol import AccessSource, Course, Expiry, Footprint, Listener, Verdict
from controller.lifecycle.roll import Roll, as_it_was
from controller.lifecycle.rules import LifecycleRules
from controller.lifecycle.standing import Standing

log = structlog.get_logger()

DISTANCE_SECONDS = 0.1
"""Between two decisions at least: ten that open at once are decided on together."""
SECONDS_PER_PREVIEW = 0.0004
"""Added to it for each: a decision over many costs more, and must leave room for the work itself."""
WARM_SECONDS = 20.0
"""So long at start those that run are waited for to say what they need, before anybody else is let in."""


class Counters(Protocol):
    """Who counts what is decided."""

    def decided(self, decision: str, reason: str) -> None:
        """Something else becomes of a preview, for this reason."""

    def visits_unknown(self) -> None:
        """The proxy did not say who was visited."""


class Governor:
    """Implements Governing.

    Args:
        rules: times and limits.
        clock: the only time there is.
        access: counts visits.
        access_seconds: between two looks at them.
        counters: count what is decided.
    """

    def __init__(
        self,
        rules: LifecycleRules,
        clock: Clock,
        access: AccessSource,
        access_seconds: float,
        counters: Counters,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._access = access
        self._access_seconds = access_seconds
        self._counters = counters
        self._roll = Roll(rules)
        self._book = AccessBook()
        self._verdicts: Mapping[PreviewKey, Verdict] = {}
        self._ends: Mapping[PreviewKey, Expiry] = {}
        self._undecided: set[PreviewKey] = set()
        self._asking: set[PreviewKey] = set()
        """Those that wait for the answer themselves need not be told."""
        self._listener: Listener | None = None
        self._changed = asyncio.Event()
        self._decided = asyncio.Event()
        """Set, and replaced, at every decision."""
        self._next_look: datetime | None = None
        self._started = False
        self._cold: set[PreviewKey] = set()
        """They ran at start, and have not said yet what they need."""
        self._warm = asyncio.Event()

    # What is asked.

    def verdict(self, preview: PreviewKey) -> Verdict:
        """See Lifecycle.verdict."""
        found = self._verdicts.get(preview)
        return as_it_was(self._roll.preview(preview)) if found is None else found

    def expiry(self, preview: PreviewKey) -> Expiry | None:
        """See Governing.expiry."""
        return self._ends.get(preview)

    async def considered(self, preview: PreviewKey) -> None:
        """See Governing.considered."""
        if not self._started:
            return
        await self._answer(preview)

    async def admit(self, preview: PreviewKey, footprint: Footprint) -> Verdict:
        """See Lifecycle.admit."""
        if self._roll.preview(preview) is None:
            return self.verdict(preview)
        self._thaw(preview)
        if not self._roll.known(preview).runs:
            await self._warm.wait()
        if self._roll.preview(preview) is None or not self._roll.measured(preview, footprint):
            return self.verdict(preview)
        self._undecided.add(preview)
        self._changed.set()
        await self._answer(preview)
        return self.verdict(preview)

    async def _answer(self, preview: PreviewKey) -> None:
        """Come back once it is decided; whoever waits here is not told beside."""
        self._asking.add(preview)
        try:
            while preview in self._undecided:
                await self._decided.wait()
        finally:
            self._asking.discard(preview)

    def phases(self) -> list[Phase | None]:
        """Of every preview, its phase."""
        return list(self._roll.phases())

    def running(self) -> int:
        """How many count against the limits."""
        return self._roll.running()

    def waiting(self) -> int:
        """How many stand in the queue."""
        return sum(verdict.course is Course.QUEUE for verdict in self._verdicts.values())

    # What is told.

    def see(self, preview: Preview) -> None:
        """See Governing.see."""
        wants, stands = self._roll.see(preview)
        if wants:
            self._undecided.add(preview.key)
        if wants or stands:
            self._changed.set()

    def forget(self, preview: PreviewKey) -> None:
        """See Governing.forget."""
        gone = self._roll.forget(preview)
        if gone is None:
            return
        if gone.slug is not None:
            self._book.forget(gone.slug)
        self._verdicts = {key: verdict for key, verdict in self._verdicts.items() if key != preview}
        self._undecided.discard(preview)
        self._thaw(preview)
        self._changed.set()

    def busy(self, preview: PreviewKey, *, working: bool) -> None:
        """See Governing.busy."""
        self._roll.busy(preview, working=working)
        if not working:
            self._changed.set()

    def occupied(self, previews: frozenset[PreviewKey]) -> None:
        """See Governing.occupied."""
        self._roll.occupied(previews)
        if not self._started:
            self._started = True
            limits = (self._rules.everything, self._rules.repository)
            counted = any(limit.memory_bytes or limit.cpu_millis for limit in limits)
            self._cold = {key for key in previews if self._roll.preview(key)} if counted else set()
        self._thaw()
        self._changed.set()

    def _thaw(self, preview: PreviewKey | None = None) -> None:
        """One of those that ran at start has said what it needs, or is gone."""
        self._cold -= {preview}
        if self._started and not self._cold:
            self._warm.set()

    # What runs by itself.

    async def run(self, listener: Listener) -> None:
        """See Governing.run."""
        self._listener = listener
        self._changed.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._warm_late())
            group.create_task(self._look_at_visits())
            group.create_task(self._decide_when_due())

    async def _warm_late(self) -> None:
        while not self._warm.is_set():
            await self._clock.sleep(WARM_SECONDS)
            self._cold.clear()
            self._thaw()

    async def _look_at_visits(self) -> None:
        while True:
            try:
                counts = await self._access.counts()
            except PreviewError as error:
                if self._book.known:
                    log.warning("visits unknown", reason=error.reason, message=error.message)
                self._book.missed()
                self._counters.visits_unknown()
            else:
                self._count(counts)
            self._changed.set()
            await self._clock.sleep(self._access_seconds)

    def _count(self, counts: Mapping[str, float]) -> None:
        now = self._clock.now()
        for key in self._roll.visited(self._book.take(counts, now), now):
            if self._listener is not None:
                self._listener.visited(key, now)

    async def _decide_when_due(self) -> None:
        while True:
            await self._due()
            self._changed.clear()
            if self._started:
                self._decide()
            await self._clock.sleep(DISTANCE_SECONDS + SECONDS_PER_PREVIEW * len(self._verdicts))

    async def _due(self) -> None:
        """Come back when something changed, or when time alone changes something."""
        timer = asyncio.create_task(self._ring())
        try:
            await self._changed.wait()
        finally:
            timer.cancel()

    async def _ring(self) -> None:
        if self._next_look is None:
            return
        # The clock that decides knows whole seconds: not before the next one.
        due = (self._next_look + timedelta(microseconds=999_999)).replace(microsecond=0)
        await self._clock.sleep(max((due - self._clock.instant()).total_seconds(), 0.0))
        self._changed.set()

    def _decide(self) -> None:
        now = self._clock.now()
        standings = self._roll.standings(now)
        decisions = decide(standings, self._rules, now, visits_known=self._book.known)
        changed = [one.key for one in standings if self._take(one, decisions, now)]
        self._verdicts = decisions.verdicts
        changed += self._new_ends(standings, decisions)
        self._next_look = decisions.next_look
        self._undecided.clear()
        self._decided.set()
        self._decided = asyncio.Event()
        for key in dict.fromkeys(changed):
            if key not in self._asking and self._listener is not None:
                self._listener.reconsider(key)

    def _take(self, one: Standing, decisions: Decisions, now: datetime) -> bool:
        verdict = decisions.verdicts[one.key]
        turn = self._roll.take(one, verdict, now)
        if turn.counts and not one.fixed:
            self._counters.decided(str(verdict.course), str(verdict.reason))
        return turn.told and not one.fixed

    def _new_ends(self, standings: list[Standing], decisions: Decisions) -> list[PreviewKey]:
        """Note when each one's ttl is over; gives those whose status does not say so yet."""
        ends = {
            one.key: Expiry(end, soon=one.key in decisions.expiring)
            for one in standings
            if (end := ttl_end(one)) is not None
        }
        before, self._ends = self._ends, ends
        changed = (one.key for one in standings if before.get(one.key) != ends.get(one.key))
        return [key for key in changed if not self._roll.shows(key, ends.get(key))]
