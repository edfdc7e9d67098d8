"""Roll: every preview there is, and what is known of it beside its resource, from one decision to the next.

see, busy, occupied, measured, visited ──▶ Roll ──▶ standings ──▶ decide ──▶ take: what was told since when
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from controller.api.attempt import attempt_of
from controller.api.conditions import is_true
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.status import ConditionType, Phase
from controller.api.wishes import wishes_of
from controller.lifecycle.protocol import Course, Expiry, Footprint, Verdict
from controller.lifecycle.rules import LifecycleRules
from controller.lifecycle.standing import NOTHING, Stage, Standing
from controller.lifecycle.standings import BEGINNING, Known, standing_of

_AT_REST = (Phase.SLEEPING, Phase.EXPIRED)
_SERVING = (Phase.RUNNING, Phase.UPDATING)

_AS_IT_WAS = {Phase.SLEEPING: Course.SLEEP, Phase.EXPIRED: Course.EXPIRE, Phase.QUEUED: Course.QUEUE}


@dataclass(frozen=True)
class Turn:
    """What a decision changed for one preview."""

    told: bool = False
    """It is another verdict, or another place in the queue."""
    counts: bool = False
    """It is something that becomes of it, and not only what was so before."""


class Roll:
    """All previews. Plain bookkeeping: it waits for nothing and decides nothing."""

    def __init__(self, rules: LifecycleRules) -> None:
        self._rules = rules
        self._previews: dict[PreviewKey, Preview] = {}
        self._known: dict[PreviewKey, Known] = {}
        self._stood: dict[PreviewKey, tuple[Preview, Known, Standing]] = {}
        """Where those stand of whom time alone changes nothing, and from what that was put together."""

    def preview(self, key: PreviewKey) -> Preview | None:
        """One as it was seen last."""
        return self._previews.get(key)

    def known(self, key: PreviewKey) -> Known:
        """What is known of one; of one never seen: nothing."""
        return self._known.get(key) or Known()

    def see(self, preview: Preview) -> tuple[bool, bool]:
        """Take one as it is now; whether it wants something else than before, and whether it stands
        elsewhere.
        """
        key = preview.key
        before = self._previews.get(key)
        self._previews[key] = preview
        if before is None or before.metadata.uid != preview.metadata.uid:
            status, since = preview.status, preview.metadata.creation_timestamp or BEGINNING
            let_in = status.phase_since or since if status.phase in _SERVING else None
            # What ran under its name when that was looked at last was an earlier one's, and lets nobody in.
            self._known[key] = Known(admitted=let_in)
            return True, True
        return _wants(before) != _wants(preview), _stands(before) != _stands(preview)

    def forget(self, key: PreviewKey) -> Preview | None:
        """Drop one that is gone; gives it, where it was there."""
        self._known.pop(key, None)
        self._stood.pop(key, None)
        return self._previews.pop(key, None)

    def busy(self, key: PreviewKey, *, working: bool) -> None:
        """Somebody is at work on it, or no longer; who came to rest without an error has nothing running."""
        known = self._known.get(key)
        if known is None:
            return
        status = self._previews[key].status
        settled = status.phase in _AT_REST and not is_true(status.conditions, ConditionType.RECONCILING)
        runs = known.runs and (working or not settled)
        self._known[key] = replace(known, busy=working, runs=runs)

    def occupied(self, running: frozenset[PreviewKey]) -> None:
        """These have an instance that runs, and nobody else has."""
        for key, known in self._known.items():
            if known.runs != (key in running):
                self._known[key] = replace(known, runs=key in running)

    def measured(self, key: PreviewKey, footprint: Footprint) -> bool:
        """Note what one needs that is about to be worked on; False: that was known, and it was let in."""
        preview, known = self._previews[key], self.known(key)
        news = (footprint, attempt_of(preview))
        if known.admitted is not None and (known.footprint, known.measured) == news:
            return False
        self._known[key] = replace(known, footprint=footprint, measured=news[1])
        return True

    def visited(self, slugs: frozenset[str], now: datetime) -> list[PreviewKey]:
        """Note who was visited, by slug; gives them."""
        found = [key for key, preview in self._previews.items() if preview.slug in slugs] if slugs else []
        for key in found:
            self._known[key] = replace(self.known(key), visited=now)
        return found

    def standings(self, now: datetime) -> list[Standing]:
        """All of them, as the decision wants them."""
        return [self._standing(key, preview, now) for key, preview in self._previews.items()]

    def _standing(self, key: PreviewKey, preview: Preview, now: datetime) -> Standing:
        known = self.known(key)
        before = self._stood.get(key)
        if before is not None and before[0] is preview and before[1] is known:
            return before[2]
        standing = standing_of(preview, known, self._rules, now)
        wanted = preview.status.attempt != attempt_of(preview) or wishes_of(preview).wake_counts
        if known.told_at is not None and not wanted:
            self._stood[key] = preview, known, standing
        return standing

    def take(self, one: Standing, verdict: Verdict, now: datetime) -> Turn:
        """Note what was decided about one; gives what that changes."""
        known = self.known(one.key)
        told = known.told
        let_in = one.stage is Stage.WAITING and one.footprint != NOTHING and verdict.course is Course.RUN
        admitted = known.admitted if one.fixed else None
        if let_in:
            admitted = now
        elif one.stage is Stage.ACTIVE and verdict.course in (Course.RUN, Course.REFUSE):
            admitted = known.admitted or one.since
        turned = told is None or told.course is not verdict.course
        told_at = now if turned else known.told_at
        wanted_at = one.since if one.stage is Stage.WAITING else None
        if (known.admitted, told, known.told_at, known.wanted_at) != (admitted, verdict, told_at, wanted_at):
            self._known[one.key] = replace(
                known, admitted=admitted, told=verdict, told_at=told_at, wanted_at=wanted_at
            )
        was = told or as_it_was(self._previews.get(one.key))
        return Turn(_differ(was, verdict, first=told is None), _counts(was, verdict, let_in=let_in))

    def shows(self, key: PreviewKey, end: Expiry | None) -> bool:
        """Its status says already when its ttl is over."""
        status = self._previews[key].status
        warned = is_true(status.conditions, ConditionType.EXPIRING)
        if end is None:
            return status.expires_time is None and not warned
        return (status.expires_time, warned) == (end.time, end.soon)

    def running(self) -> int:
        """How many were let in, or run."""
        return sum(known.admitted is not None or known.runs for known in self._known.values())

    def phases(self) -> Iterable[Phase | None]:
        """Of every preview, its phase."""
        return [preview.status.phase for preview in self._previews.values()]


def as_it_was(preview: Preview | None) -> Verdict:
    """What holds for a preview while nothing was decided: unless somebody wants it, it goes on as it is."""
    if preview is None:
        return Verdict()
    status = preview.status
    wanted = status.attempt != attempt_of(preview) or wishes_of(preview).wake_counts
    course = _AS_IT_WAS.get(status.phase) if status.phase is not None and not wanted else None
    return Verdict(course or Course.RUN)


def _differ(was: Verdict, now: Verdict, *, first: bool) -> bool:
    if first:
        return was.course is not now.course
    before, after = ((one.course, one.reason, one.position, one.waiting) for one in (was, now))
    return before != after


def _counts(was: Verdict, now: Verdict, *, let_in: bool) -> bool:
    if now.course is Course.RUN:
        return let_in
    return was.course is not now.course


def _wants(preview: Preview) -> tuple[object, ...]:
    """What somebody wants of it."""
    metadata = preview.metadata
    return metadata.generation, metadata.annotations, preview.deleting


def _stands(preview: Preview) -> tuple[object, ...]:
    """What was done about it, as far as that decides anything."""
    status = preview.status
    return (
        status.phase,
        status.attempt,
        status.alive_since,
        status.last_activity_time,
        status.wake_handled,
        status.sleep_handled,
        is_true(status.conditions, ConditionType.STALLED),
    )
