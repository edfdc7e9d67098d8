"""Standings: a preview's resource, and what the operator knows beside it, put together to decide on. Pure.

    Preview ─┐
    Known ───┴▶ standing_of ─▶ Standing ─▶ decide

The resource comes first; what was decided but is not written there yet is `Known`, so that a decision taken
meanwhile builds on the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.api.attempt import attempt_of, given_up
from controller.api.conditions import find
from controller.api.durations import duration
from controller.api.names import KEEP_UNTIL, PIN
from controller.api.preview import Preview
from controller.api.status import ConditionType, Phase
from controller.api.wishes import wishes_of
from controller.lifecycle.protocol import Course, Footprint, Reason, Verdict
from controller.lifecycle.rules import LifecycleRules
from controller.lifecycle.standing import NOTHING, Stage, Standing

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    """What the operator knows of a preview that its resource does not say (yet)."""

    runs: bool = False
    """A container of it runs, as far as is known: not any more, once it fell asleep without an error."""
    admitted: datetime | None = None
    """When it was let in; None where it was not, or was told since to sleep or to go."""
    busy: bool = False
    """A pass is at work on it."""
    footprint: Footprint = NOTHING
    measured: str = ""
    """For which attempt (`attempt_of`) that is what it needs."""
    visited: datetime | None = None
    """The last visit that was counted."""
    told: Verdict | None = None
    """What was decided last."""
    told_at: datetime | None = None
    """Since when it is that course."""
    wanted_at: datetime | None = None
    """Since when it waits, when it does; None where that was not noted."""


def standing_of(preview: Preview, known: Known, rules: LifecycleRules, now: datetime) -> Standing:
    """Where a preview stands now, UTC.

    Its wish to run counts as its use, and so does being let in: what somebody just pushed or woke, or what
    waited for long, is not idle.
    """
    lifecycle, status = preview.spec.lifecycle, preview.status
    annotations = preview.metadata.annotations
    life = _Life(preview, known, now)
    stage = life.stage
    since = life.since(stage)
    waits = stage is Stage.WAITING
    wanted = [since] if waits or life.back else []
    uses = (status.last_accessed_time, known.visited, known.admitted)
    visits = [time for time in uses if time is not None]
    fits = known.measured == attempt_of(preview) or not waits
    return Standing(
        key=preview.key,
        repository=preview.spec.source.repository.lower(),
        stage=stage,
        since=since,
        active_at=max([life.asked, *visits, *wanted]),
        alive_since=since if life.back else status.alive_since or life.made,
        sleep_after=_span(lifecycle.sleep_after, rules.sleep_after),
        idle_timeout=_span(lifecycle.idle_timeout, rules.idle_timeout),
        ttl=_span(lifecycle.ttl, rules.ttl),
        keep_until=_moment(annotations.get(KEEP_UNTIL, "")),
        pinned=lifecycle.pinned or PIN in annotations,
        busy=known.busy,
        sleep_asked=life.wishes.sleep_counts,
        fixed=preview.spec.suspend or preview.deleting,
        footprint=known.footprint if fits else NOTHING,
        runs=known.runs,
        because=life.because(stage),
    )


class _Life:
    """What is asked of one preview's resource several times over."""

    def __init__(self, preview: Preview, known: Known, now: datetime) -> None:
        self._preview = preview
        self._status = preview.status
        self._known = known
        self._now = now
        self.made = preview.metadata.creation_timestamp or BEGINNING
        self.wishes = wishes_of(preview)
        self.changed = self._status.attempt not in (None, attempt_of(preview))
        self._wanted = self.changed or self.wishes.wake_counts

    @property
    def back(self) -> bool:
        """It expired, and somebody wants it again."""
        return self._status.phase is Phase.EXPIRED and self._wanted

    @property
    def asked(self) -> datetime:
        """When somebody wanted something of it last, apart from visits."""
        times = [self.made, self._status.last_activity_time or self.made]
        if self.wishes.wake_counts:
            woken = _moment(self.wishes.wake)
            times.append(self._now if woken is None else min(woken, self._now))
        elif self.changed:
            times.append(self._known.wanted_at or self._now)
        return max(times)

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        course = self._known.told.course if self._known.told is not None else None
        phase = self._status.phase
        if not self._wanted:
            if phase is Phase.EXPIRED or course is Course.EXPIRE:
                return Stage.ENDED
            if phase is Phase.SLEEPING or course is Course.SLEEP:
                return Stage.ASLEEP
        if phase is not Phase.SLEEPING and given_up(self._preview, self._status) and not self._known.runs:
            return Stage.FAILED
        # What runs of one that rests is about to stop, or was started by hand: it was not let in by that.
        runs = self._known.runs and phase not in _RESTS
        let_in = runs or self._known.admitted is not None
        return Stage.ACTIVE if let_in else Stage.WAITING

    def since(self, stage: Stage) -> datetime:
        """Since when it stands there."""
        if stage is Stage.WAITING:
            known = [self._known.wanted_at, self._queued]
            return min([self.asked, *(time for time in known if time is not None)])
        settled = {Stage.ASLEEP: Phase.SLEEPING, Stage.ENDED: Phase.EXPIRED}.get(stage)
        if settled is not None and self._status.phase is not settled:
            return self._known.told_at or self._now
        return self._status.phase_since or self.made

    @property
    def _queued(self) -> datetime | None:
        return self._status.phase_since if self._status.phase is Phase.QUEUED else None

    def because(self, stage: Stage) -> Reason:
        """Why it sleeps, or ended."""
        told = self._known.told
        course = {Stage.ASLEEP: Course.SLEEP, Stage.ENDED: Course.EXPIRE}.get(stage)
        if told is not None and told.course is course:
            return told.reason
        found = find(self._status.conditions, ConditionType.RECONCILING)
        said = found.reason if found is not None else ""
        return Reason(said) if said in _REASONS else Reason.IDLE


_RESTS = (Phase.SLEEPING, Phase.QUEUED, Phase.EXPIRED)
_REASONS = frozenset(str(reason) for reason in Reason)


def _span(own: str | None, general: timedelta | None) -> timedelta | None:
    return duration(own) if own is not None else general


def _moment(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
