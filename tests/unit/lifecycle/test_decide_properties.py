"""Whatever stands wherever: deciding keeps the limits, spares who is to be spared, and comes to rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.limits import LimitPolicy
from controller.lifecycle.decide import Decisions
from controller.lifecycle.protocol import Course, Footprint, Reason, Verdict
from controller.lifecycle.rules import LifecycleRules, Limit
from controller.lifecycle.standing import NOTHING, Stage, Standing
from tests.unit.lifecycle.examples import DAY, HOUR, MINUTE, NOW, decided, obeyed, running, standing

AGES = st.integers(0, 60 * 60).map(lambda minutes: timedelta(minutes=minutes))
SPANS = st.sampled_from([None, HOUR, 2 * HOUR, DAY, 2 * DAY])
FOOTPRINTS = st.one_of(
    st.just(NOTHING),
    st.builds(Footprint, st.integers(1, 400), st.integers(1, 40)),
    st.just(Footprint(100, 10)),
)


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Up to sixteen previews of three repositories."""
    return [
        standing(
            f"pr-{number}",
            draw(st.sampled_from(Stage)),
            repository=draw(st.sampled_from(["a/a", "b/b", "c/c"])),
            since=draw(AGES),
            active_at=draw(AGES),
            alive_since=draw(AGES),
            sleep_after=draw(SPANS),
            idle_timeout=draw(SPANS),
            ttl=draw(SPANS),
            keep_until=draw(st.one_of(st.none(), AGES.map(lambda age: NOW + DAY - age))),
            pinned=draw(_seldom()),
            busy=draw(_seldom()),
            fixed=draw(_seldom()),
            sleep_asked=draw(_seldom()),
            footprint=draw(FOOTPRINTS),
        )
        for number in range(draw(st.integers(0, 16)))
    ]


def _seldom() -> st.SearchStrategy[bool]:
    return st.sampled_from([False, False, False, False, True])


LIMITS = st.builds(
    Limit,
    st.integers(0, 6),
    st.sampled_from([0, 0, 500, 1000]),
    st.sampled_from([0, 0, 50, 100]),
)
RULES = st.builds(
    LifecycleRules,
    everything=LIMITS,
    repository=st.one_of(st.just(Limit()), LIMITS),
    max_sleeping=st.integers(0, 6),
    policy=st.sampled_from(LimitPolicy),
)
cases = settings(max_examples=40, deadline=None)


@dataclass(frozen=True)
class Taken:
    """What runs, in all and of one repository."""

    previews: int
    memory: int
    cpu: int

    @classmethod
    def of(cls, found: Iterable[Standing]) -> Taken:
        known = list(found)
        memory = sum(one.footprint.memory_bytes for one in known)
        return cls(len(known), memory, sum(one.footprint.cpu_millis for one in known))

    def over(self, limit: Limit) -> tuple[int, int, int]:
        pairs = (
            (self.previews, limit.previews),
            (self.memory, limit.memory_bytes),
            (self.cpu, limit.cpu_millis),
        )
        previews, memory, cpu = (max(0, value - most) if most else 0 for value, most in pairs)
        return previews, memory, cpu


def excess(found: Iterable[Standing], rules: LifecycleRules) -> list[int]:
    """By how much each limit is passed, in a fixed order."""
    by_repository: dict[str, list[Standing]] = defaultdict(list)
    active = running(found)
    for one in active:
        by_repository[one.repository].append(one)
    own = (Taken.of(by_repository[name]).over(rules.repository) for name in ("a/a", "b/b", "c/c"))
    return [*Taken.of(active).over(rules.everything), *(value for values in own for value in values)]


def changed(before: Sequence[Standing], decisions: Decisions, *reasons: Reason) -> list[Standing]:
    """Whom a decision tells something new for one of these reasons."""
    told = ((one, decisions.verdicts[one.key]) for one in before)
    settled = {Course.SLEEP: Stage.ASLEEP, Course.EXPIRE: Stage.ENDED}
    return [
        one
        for one, verdict in told
        if verdict.reason in reasons and settled.get(verdict.course) is not one.stage
    ]


@cases
@given(standings(), RULES, st.booleans())
def test_deciding_again_after_obeying_changes_nothing(
    before: list[Standing], rules: LifecycleRules, known: bool
) -> None:
    first = decided(*before, rules=rules, visits_known=known)
    after = obeyed(before, first)
    again = decided(*after, rules=rules, visits_known=known)
    assert again.verdicts == first.verdicts
    assert again.expiring.keys() <= first.expiring.keys()


@cases
@given(standings(), RULES, st.randoms(use_true_random=False))
def test_the_order_in_which_previews_are_told_does_not_matter(
    before: list[Standing], rules: LifecycleRules, chance: Random
) -> None:
    shuffled = chance.sample(before, len(before))
    assert decided(*shuffled, rules=rules) == decided(*before, rules=rules)


@cases
@given(standings(), RULES, st.booleans())
def test_no_limit_is_passed_further_than_it_was(
    before: list[Standing], rules: LifecycleRules, known: bool
) -> None:
    after = obeyed(before, decided(*before, rules=rules, visits_known=known))
    pairs = zip(excess(after, rules), excess(before, rules), strict=True)
    assert all(now <= earlier for now, earlier in pairs)


@cases
@given(standings(), RULES)
def test_no_more_sleep_than_may_but_by_hand(before: list[Standing], rules: LifecycleRules) -> None:
    after = obeyed(before, decided(*before, rules=rules))
    asleep, were = (sum(one.stage is Stage.ASLEEP for one in all_) for all_ in (after, before))
    by_hand = sum(one.sleep_asked for one in before)
    assert asleep <= max(rules.max_sleeping, were) + by_hand


@cases
@given(standings(), RULES)
def test_nobody_goes_who_is_to_be_spared(before: list[Standing], rules: LifecycleRules) -> None:
    decisions = decided(*before, rules=rules)
    recent = NOW - 10 * MINUTE
    for one in changed(before, decisions, Reason.EVICTED):
        assert not one.pinned and not one.busy and not one.fixed and one.active_at <= recent
    for one in changed(before, decisions, Reason.SLEEPING_LIMIT):
        assert not one.pinned and not one.fixed and max(one.active_at, one.since) <= recent
    for one in changed(before, decisions, Reason.IDLE, Reason.TIME_OVER):
        assert not one.pinned and not one.fixed


@cases
@given(standings(), RULES)
def test_nobody_overtakes(before: list[Standing], rules: LifecycleRules) -> None:
    verdicts = decided(*before, rules=rules).verdicts
    line = [one for one in before if one.stage is Stage.WAITING and one.footprint != NOTHING]
    line.sort(key=lambda one: (one.since, one.key))
    queue = [one for one in line if verdicts[one.key].course is Course.QUEUE]
    assert [verdicts[one.key].position for one in queue] == list(range(1, len(queue) + 1))
    for place, one in enumerate(line):
        if verdicts[one.key].course is Course.QUEUE:
            for later in line[place + 1 :]:
                own = "_REPOSITORY" in verdicts[one.key].message and later.repository != one.repository
                assert own or not _let_in(later, verdicts[later.key])


def _let_in(one: Standing, verdict: Verdict) -> bool:
    return verdict.course is Course.RUN and not one.fixed


@cases
@given(standings(), RULES)
def test_nobody_is_evicted_for_nothing(before: list[Standing], rules: LifecycleRules) -> None:
    decisions = decided(*before, rules=rules)
    after = obeyed(before, decisions)
    limited = excess(after, rules)
    for victim in changed(before, decisions, Reason.EVICTED):
        back = [victim if one.key == victim.key else one for one in after]
        assert any(now > earlier for now, earlier in zip(excess(back, rules), limited, strict=True))


@cases
@given(standings(), RULES)
def test_nobody_waits_where_there_is_room(before: list[Standing], rules: LifecycleRules) -> None:
    decisions = decided(*before, rules=rules)
    after = obeyed(before, decisions)
    heads = [one for one in before if decisions.verdicts[one.key].position == 1]
    for head in heads:
        assert any(excess([*after, _started(head)], rules))


def _started(one: Standing) -> Standing:
    return standing(one.key.name, repository=one.repository, footprint=one.footprint)


@cases
@given(standings(), RULES)
def test_until_the_next_look_time_alone_changes_nothing(
    before: list[Standing], rules: LifecycleRules
) -> None:
    first = decided(*before, rules=rules)
    after = obeyed(before, first)
    look = decided(*after, rules=rules).next_look
    until = look - timedelta(seconds=1) if look is not None else NOW + 365 * DAY
    later = decided(*after, rules=rules, now=max(NOW, until))
    assert later.verdicts == first.verdicts


@cases
@given(standings(), RULES)
def test_time_brings_all_that_may_go_to_their_end(before: list[Standing], rules: LifecycleRules) -> None:
    now, found = NOW, before
    for _ in range(200):
        decisions = decided(*found, rules=rules, now=now)
        found = obeyed(found, decisions, now)
        look = decided(*found, rules=rules, now=now).next_look
        if look is None:
            break
        assert look > now
        now = look
    mortal = [one for one in found if not one.pinned and not one.fixed and (one.ttl or one.idle_timeout)]
    assert {one.stage for one in mortal} <= {Stage.ENDED}
