"""Decide: the one function that says who runs, sleeps, waits and goes, over all previews at once. Pure.

    standings ─▶ whose time is over ─▶ who sleeps ─▶ who is too many ─▶ the queue, first come first served
                                                                    └▶ who makes room for it

Deciding again after the verdicts were obeyed changes nothing. A place counts as free as soon as its holder
was told to leave it; one who does not manage to counts again after a minute.

A preview that waits, and whose needs are not known yet, is told to run and holds no place: it is to find out
what it needs. Only once that is known does `run` mean that it was let in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from controller.api.limits import LimitPolicy
from controller.api.names import PreviewKey
from controller.lifecycle.deadlines import (
    expiry,
    idle_end,
    patience_end,
    room_from,
    sleep_end,
    ttl_end,
)
from controller.lifecycle.protocol import RUN, Reason, Verdict
from controller.lifecycle.rules import LifecycleRules
from controller.lifecycle.sentences import Sentences, queued, too_big
from controller.lifecycle.standing import NOTHING, Stage, Standing
from controller.lifecycle.usage import Candidates, Lack, Usage


@dataclass(frozen=True)
class Decisions:
    """What was decided about all previews."""

    verdicts: Mapping[PreviewKey, Verdict]
    next_look: datetime | None = None
    """When it has to be decided again, if nothing happens before; None: never."""
    expiring: Mapping[PreviewKey, datetime] = field(default_factory=dict)
    """Whose ttl is over soon, and when."""


def decide(
    standings: Sequence[Standing], rules: LifecycleRules, now: datetime, *, visits_known: bool
) -> Decisions:
    """Decide over all previews.

    Args:
        standings: of every preview there is, each once; their order does not matter.
        rules: times and limits.
        now: UTC.
        visits_known: whether anybody counts visits; while nobody does, nothing is done for want of them.
    """
    deciding = _Deciding(rules, now, visits_known=visits_known)
    deciding.lives(standings)
    deciding.idle()
    deciding.too_many()
    deciding.queue()
    deciding.spare()
    deciding.too_many_asleep()
    return Decisions(deciding.verdicts, deciding.next_look(standings), deciding.expiring(standings))


class _Deciding:
    """One decision under way."""

    def __init__(self, rules: LifecycleRules, now: datetime, *, visits_known: bool) -> None:
        self.verdicts: dict[PreviewKey, Verdict] = {}
        self._rules = rules
        self._say = Sentences(rules)
        self._now = now
        self._visits_known = visits_known
        self._usage = Usage(rules)
        self._late: list[Standing] = []
        """To sleep or to go, and running on for too long."""
        self._active: list[Standing] = []
        self._waiting: list[Standing] = []
        self._sleeping = 0
        self._asleep: list[Standing] = []
        """Who may be torn down for another one to sleep; the longest asleep first."""
        self._candidates = Candidates(())
        self._evicted: list[Standing] = []
        self._short = False
        """Somebody lacks room, or a place to sleep, that time may give."""

    def lives(self, standings: Iterable[Standing]) -> None:
        """What each one's own times and wishes say."""
        for one in standings:
            self.verdicts[one.key] = self._life(one)
        self._asleep.sort(key=lambda one: (one.since, one.key))

    def _life(self, one: Standing) -> Verdict:
        if one.fixed:
            self._sleeping += one.stage is Stage.ASLEEP
            if one.runs or one.stage is Stage.ACTIVE:
                self._usage.add(one)
            return RUN
        late = patience_end(one)
        if late is not None and late <= self._now:
            self._late.append(one)
        if one.stage is Stage.ENDED:
            return self._say.ended(one, one.because)
        over = expiry(one, self._now, visits_known=self._visits_known)
        if over is not None:
            return self._say.ended(one, over)
        if one.stage is Stage.ASLEEP:
            self._sleeping += 1
            if not one.pinned and self._unused(one):
                self._asleep.append(one)
            return self._say.asleep(one, one.because)
        return self._wish(one)

    def _wish(self, one: Standing) -> Verdict:
        if one.stage is Stage.FAILED:
            return RUN
        if one.sleep_asked:
            self._sleeping += 1
            return self._say.asleep(one, Reason.ASKED)
        if one.stage is Stage.WAITING:
            self._waiting.append(one)
            return RUN
        refused = too_big(one, self._rules)
        counted = one if refused is None else replace(one, footprint=NOTHING)
        self._usage.add(counted)
        self._active.append(counted)
        return refused or RUN

    def _unused(self, one: Standing) -> bool:
        return room_from(one, self._rules.recent) <= self._now

    def _places(self, more: int) -> bool:
        """Find places for more to sleep, by tearing down the longest asleep later; False: there are none."""
        if self._sleeping + more - self._rules.max_sleeping > len(self._asleep):
            self._short = True
            return False
        self._sleeping += more
        return True

    def idle(self) -> None:
        """Who was not used for long sleeps, the longest unused first; where no more may sleep, it stays."""
        due = [one for one in self._active if self._is_idle(one)] if self._visits_known else []
        for one in sorted(due, key=lambda one: (one.active_at, one.key)):
            if self._places(1):
                self._usage.add(one, -1)
                self.verdicts[one.key] = self._say.asleep(one, Reason.IDLE)
        left = {one.key for one in due if self.verdicts[one.key].reason is Reason.IDLE}
        self._active = [one for one in self._active if one.key not in left]
        if self._visits_known and self._rules.policy is LimitPolicy.EVICT:
            self._candidates = Candidates(one for one in self._active if self._may_go(one))

    def _is_idle(self, one: Standing) -> bool:
        end = sleep_end(one)
        return end is not None and end <= self._now and not one.busy

    def _may_go(self, one: Standing) -> bool:
        return not one.pinned and not one.busy and self._unused(one)

    def too_many(self) -> None:
        """More run than may, as after a limit was lowered: who can make room does, as far as it goes."""
        for lack in self._usage.excess():
            self._relieve(lack)
        for one in self._late:
            self._usage.add(one)

    def _relieve(self, lack: Lack) -> None:
        if lack.nothing:
            return
        victims = self._candidates.enough(lack)
        if victims is not None and self._evict(victims):
            return
        self._short = True
        for one in self._candidates.helping(lack):
            if lack.nothing or not self._evict([one]):
                return
            lack = lack.less(one)

    def _evict(self, victims: Sequence[Standing]) -> bool:
        if not self._places(len(victims)):
            return False
        for one in victims:
            self._candidates.remove(one)
            self._usage.add(one, -1)
            self.verdicts[one.key] = self._say.asleep(one, Reason.EVICTED)
            self._evicted.append(one)
        return True

    def queue(self) -> None:
        """Let in who fits, in turn; who does not makes those wait behind it that need the same room."""
        line: list[tuple[Standing, Verdict]] = []
        closed: Verdict | None = None
        repositories: dict[str, Verdict] = {}
        for one in sorted(self._waiting, key=lambda one: (one.since, one.key)):
            if one.footprint == NOTHING:
                continue
            refused = too_big(one, self._rules)
            if refused is not None:
                self.verdicts[one.key] = refused
                continue
            told = closed or repositories.get(one.repository)
            if told is None:
                lack = self._let_in(one)
                if lack is None:
                    continue
                told = queued(lack, self._rules)
                if lack.repository.nothing:
                    closed = told
                else:
                    repositories[one.repository] = told
            line.append((one, told))
        for position, (one, told) in enumerate(line, start=1):
            self.verdicts[one.key] = replace(told, position=position, waiting=len(line))

    def _let_in(self, one: Standing) -> Lack | None:
        """Let one in, where need be by putting others to sleep; gives what is lacking where that fails."""
        lack = self._usage.lack(one)
        if not lack.nothing:
            victims = self._candidates.enough(lack)
            if victims is None or not self._evict(victims):
                self._short = True
                return self._blame(lack)
        self._usage.add(one)
        return None

    def _blame(self, lack: Lack) -> Lack:
        """The repository's limits where nobody of it can make room, else those over all."""
        own = Lack(repository=lack.repository, name=lack.name)
        if lack.everything.nothing or (not own.nothing and self._candidates.enough(own) is None):
            return own
        return Lack(everything=lack.everything)

    def spare(self) -> None:
        """Who was to make room that a bigger one made as well stays, the one used last first."""
        for one in sorted(self._evicted, key=lambda one: (one.active_at, one.key), reverse=True):
            if self._usage.lack(one).nothing:
                self._usage.add(one)
                self._sleeping -= 1
                self.verdicts[one.key] = RUN

    def too_many_asleep(self) -> None:
        """More sleep than may: the longest asleep go."""
        needed = self._sleeping - self._rules.max_sleeping
        self._short = self._short or needed > len(self._asleep)
        for gone in self._asleep[: max(0, needed)]:
            self.verdicts[gone.key] = self._say.ended(gone, Reason.SLEEPING_LIMIT)

    def next_look(self, standings: Iterable[Standing]) -> datetime | None:
        """The first time at which time alone may change a verdict."""
        times = (time for one in standings if not one.fixed for time in self._times(one))
        return min((time for time in times if time is not None and time > self._now), default=None)

    def _times(self, one: Standing) -> Iterator[datetime | None]:
        end = ttl_end(one)
        yield end
        if end is not None:
            yield end - self._rules.warning
        yield patience_end(one)
        if self._visits_known:
            yield idle_end(one)
            yield sleep_end(one)
        if self._short and not one.pinned and one.stage in (Stage.ACTIVE, Stage.ASLEEP):
            yield room_from(one, self._rules.recent)

    def expiring(self, standings: Iterable[Standing]) -> dict[PreviewKey, datetime]:
        """Whose ttl is over within the time of the warning."""
        ends = ((one.key, ttl_end(one)) for one in standings)
        last = self._now + self._rules.warning
        return {key: end for key, end in ends if end is not None and self._now < end <= last}
