"""Who makes room, who waits, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.api.limits import LimitPolicy
from controller.lifecycle.protocol import Course, Footprint, Reason
from controller.lifecycle.rules import LifecycleRules, Limit
from controller.lifecycle.standing import NOTHING, Stage, Standing
from tests.unit.lifecycle.examples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    RULES,
    courses,
    decided,
    key,
    obeyed,
    standing,
)

QUEUE = replace(RULES, policy=LimitPolicy.QUEUE)


def full(**fields: Any) -> list[Standing]:
    """As many as may run; the second was not used for the longest time."""
    used = {"a": 60 * MINUTE, "b": 90 * MINUTE, "c": 30 * MINUTE}
    return [standing(name, active_at=since, **fields) for name, since in used.items()]


def waiting(name: str, since: int = 10, **fields: Any) -> Standing:
    """One that has waited for so many seconds."""
    return standing(name, Stage.WAITING, since=since * MINUTE / 60, active_at=MINUTE, **fields)


def asleep(name: str, since: int, **fields: Any) -> Standing:
    """One that has slept for so many hours."""
    return standing(name, Stage.ASLEEP, since=since * HOUR, active_at=30 * HOUR, **fields)


def test_who_fits_is_let_in() -> None:
    assert courses(decided(*full()[:2], waiting("w"))) == {"a": "run", "b": "run", "w": "run"}


def test_the_longest_unused_makes_room() -> None:
    found = courses(decided(*full(), waiting("w")))
    assert found == {"a": "run", "b": "sleep Evicted", "c": "run", "w": "run"}


@pytest.mark.parametrize(
    "protected",
    [
        {"pinned": True},
        {"busy": True},
        {"fixed": True, "runs": True},
    ],
)
def test_who_may_not_go_is_passed_over(protected: dict[str, Any]) -> None:
    a, b, c = full()
    found = courses(decided(a, replace(b, **protected), c, waiting("w")))
    assert found == {"a": "sleep Evicted", "b": "run", "c": "run", "w": "run"}


@pytest.mark.parametrize("protected", [{"pinned": True}, {"busy": True}, {"fixed": True, "runs": True}])
def test_where_nobody_may_go_it_waits(protected: dict[str, Any]) -> None:
    assert courses(decided(*full(**protected), waiting("w")))["w"] == "queue PreviewLimit 1/1"


def test_what_was_used_just_now_makes_room_only_later() -> None:
    used = [replace(one, active_at=NOW - 9 * MINUTE) for one in full()]
    decisions = decided(*used, waiting("w"))
    assert courses(decisions)["w"] == "queue PreviewLimit 1/1"
    assert decisions.next_look == NOW + MINUTE
    later = decided(*used, waiting("w"), now=NOW + MINUTE)
    assert courses(later) == {"a": "sleep Evicted", "b": "run", "c": "run", "w": "run"}


@pytest.mark.parametrize(("rules", "known"), [(QUEUE, True), (RULES, False)])
def test_nobody_makes_room_by_the_policy_or_while_visits_are_not_counted(
    rules: LifecycleRules, known: bool
) -> None:
    found = courses(decided(*full(), waiting("w"), rules=rules, visits_known=known))
    assert found == {"a": "run", "b": "run", "c": "run", "w": "queue PreviewLimit 1/1"}


def test_ten_at_once_come_in_turn_and_nobody_overtakes() -> None:
    ten = [waiting(f"w{n}", since=100 - n) for n in range(10)]
    decisions = decided(*reversed(ten), rules=QUEUE)
    found = courses(decisions)
    assert [found[f"w{n}"] for n in range(3)] == ["run"] * 3
    assert [found[f"w{n}"] for n in range(3, 10)] == [f"queue PreviewLimit {n}/7" for n in range(1, 8)]
    again = decided(*obeyed(ten, decisions), rules=QUEUE)
    assert courses(again) == found


def test_of_two_that_came_at_once_the_name_decides() -> None:
    two = [waiting("w2"), waiting("w1")]
    found = courses(decided(*two, rules=replace(QUEUE, everything=Limit(previews=1))))
    assert found == {"w1": "run", "w2": "queue PreviewLimit 1/1"}


def test_nobody_is_evicted_for_one_that_then_would_not_fit() -> None:
    rules = replace(RULES, everything=Limit(memory_bytes=1000))
    pinned = standing("p", pinned=True, footprint=Footprint(600, 1))
    small = standing("s", active_at=90 * MINUTE, footprint=Footprint(300, 1))
    found = courses(decided(pinned, small, waiting("w", footprint=Footprint(500, 1)), rules=rules))
    assert found == {"p": "run", "s": "run", "w": "queue MemoryLimit 1/1"}


def test_as_few_as_needed_make_room() -> None:
    rules = replace(RULES, everything=Limit(memory_bytes=1000))
    sizes = {"a": (100, 90), "b": (100, 80), "c": (700, 70)}
    three = [
        standing(name, footprint=Footprint(size, 1), active_at=used * MINUTE)
        for name, (size, used) in sizes.items()
    ]
    found = courses(decided(*three, waiting("w", footprint=Footprint(800, 1)), rules=rules))
    assert found == {"a": "run", "b": "run", "c": "sleep Evicted", "w": "run"}
    place_for_one = replace(rules, max_sleeping=1)
    assert courses(decided(*three, waiting("w", footprint=Footprint(800, 1)), rules=place_for_one)) == found


def test_who_was_evicted_for_a_small_one_stays_when_a_big_one_goes_too() -> None:
    rules = replace(RULES, everything=Limit(memory_bytes=1000))
    running = [
        standing("a", footprint=Footprint(100, 1), active_at=90 * MINUTE),
        standing("b", footprint=Footprint(900, 1), active_at=80 * MINUTE),
    ]
    small = waiting("v", since=20, footprint=Footprint(100, 1))
    big = waiting("w", footprint=Footprint(500, 1))
    found = courses(decided(*running, small, big, rules=rules))
    assert found == {"a": "run", "b": "sleep Evicted", "v": "run", "w": "run"}


def test_one_that_does_not_fit_over_all_keeps_everybody_behind_it() -> None:
    rules = replace(QUEUE, everything=Limit(memory_bytes=1000))
    running = standing("r", footprint=Footprint(600, 1))
    big = waiting("v", since=20, footprint=Footprint(500, 1))
    small = waiting("w", footprint=Footprint(100, 1), repository="blue/shop")
    found = courses(decided(running, big, small, rules=rules))
    assert found == {"r": "run", "v": "queue MemoryLimit 1/2", "w": "queue MemoryLimit 2/2"}


def test_one_that_does_not_fit_its_repository_keeps_its_own_alone() -> None:
    rules = replace(QUEUE, repository=Limit(previews=1))
    line = [
        waiting("w1", since=30),
        waiting("w2", since=20, repository="blue/shop"),
        waiting("w3", since=10),
    ]
    found = courses(decided(standing("r"), *line, rules=rules))
    assert found == {
        "r": "run",
        "w1": "queue PreviewLimit 1/2",
        "w2": "run",
        "w3": "queue PreviewLimit 2/2",
    }


def test_its_own_repository_makes_room_for_what_its_repository_lacks() -> None:
    rules = replace(RULES, repository=Limit(previews=1))
    other = standing("o", repository="blue/shop", active_at=100 * MINUTE)
    found = courses(decided(standing("r"), other, waiting("w"), rules=rules))
    assert found == {"o": "run", "r": "sleep Evicted", "w": "run"}


def test_who_alone_is_too_big_is_refused_and_keeps_nobody() -> None:
    rules = replace(QUEUE, everything=Limit(memory_bytes=1000))
    big = waiting("v", since=20, footprint=Footprint(1001, 1))
    decisions = decided(big, waiting("w"), rules=rules)
    assert courses(decisions) == {"v": "refuse TooBig", "w": "run"}
    assert "MAX_MEMORY_ALL" in decisions.verdicts[key("v")].message


def test_an_update_that_alone_is_too_big_is_refused_and_nobody_goes_for_it() -> None:
    rules = replace(RULES, repository=Limit(cpu_millis=1000))
    big = standing("v", footprint=Footprint(1, 1001))
    decisions = decided(big, standing("w"), rules=rules)
    assert courses(decisions) == {"v": "refuse TooBig", "w": "run"}
    assert "1001m of CPU" in decisions.verdicts[key("v")].message
    assert "MAX_CPU_REPOSITORY" in decisions.verdicts[key("v")].message


def test_who_is_to_find_out_what_it_needs_holds_no_place() -> None:
    line = [waiting("w1", since=20, footprint=NOTHING), waiting("w2")]
    found = courses(decided(*full(pinned=True)[:2], *line, rules=QUEUE))
    assert found["w1"] == "run" and found["w2"] == "run"
    assert courses(decided(*full(), waiting("w", footprint=NOTHING)))["b"] == "run"


def test_a_lowered_limit_puts_the_longest_unused_to_sleep() -> None:
    found = decided(*full(), rules=replace(RULES, everything=Limit(previews=1)))
    assert courses(found) == {"a": "sleep Evicted", "b": "sleep Evicted", "c": "run"}


def test_a_lowered_limit_is_met_as_far_as_it_goes() -> None:
    a, b, c = full()
    found = decided(replace(a, busy=True), b, replace(c, pinned=True), rules=_one())
    assert courses(found) == {"a": "run", "b": "sleep Evicted", "c": "run"}


def _one() -> LifecycleRules:
    return replace(RULES, everything=Limit(previews=1))


def test_what_is_to_sleep_gives_its_place_at_once_and_takes_it_back_when_it_does_not_manage() -> None:
    going = asleep("g", 0, runs=True)
    assert courses(decided(going, waiting("w"), rules=_one()))["w"] == "run"
    stuck = replace(going, since=NOW - MINUTE)
    found = decided(stuck, waiting("w"), rules=_one())
    assert courses(found) == {"g": "sleep Idle", "w": "queue PreviewLimit 1/1"}
    let_in = decided(stuck, standing("r"), rules=_one())
    assert courses(let_in)["r"] == "run", "nobody else goes because one does not manage"


def test_more_asleep_than_may_sleep_the_longest_asleep_goes() -> None:
    found = decided(*[asleep(f"s{hours}", hours) for hours in (1, 4, 3, 2)])
    assert courses(found) == {
        "s1": "sleep Idle",
        "s2": "sleep Idle",
        "s3": "sleep Idle",
        "s4": "expire SleepingLimit",
    }


def test_neither_pinned_ones_go_nor_those_that_sleep_or_were_used_since_just_now() -> None:
    four = [asleep(f"s{hours}", hours) for hours in (1, 4, 3, 2)]
    four[1] = replace(four[1], pinned=True)
    four[2] = replace(four[2], active_at=NOW - 9 * MINUTE)
    assert courses(decided(*four))["s2"] == "expire SleepingLimit"
    just_now = [replace(one, since=NOW - 9 * MINUTE) for one in four]
    assert {v.course for v in decided(*just_now).verdicts.values()} == {Course.SLEEP}


def test_for_one_to_be_evicted_the_longest_asleep_makes_place() -> None:
    sleeping = [asleep(f"s{hours}", hours) for hours in (1, 2, 3)]
    found = courses(decided(*full(), *sleeping, waiting("w")))
    assert found["b"] == "sleep Evicted" and found["w"] == "run"
    assert found["s3"] == "expire SleepingLimit" and found["s2"] == "sleep Idle"


def test_nobody_is_evicted_where_there_is_no_place_to_sleep() -> None:
    sleeping = [asleep(f"s{hours}", hours, pinned=True) for hours in (1, 2, 3)]
    found = courses(decided(*full(), *sleeping, waiting("w")))
    assert found["b"] == "run" and found["w"] == "queue PreviewLimit 1/1"


def test_one_that_nobody_uses_runs_on_where_there_is_no_place_to_sleep() -> None:
    sleeping = [asleep(f"s{hours}", hours, pinned=True) for hours in (1, 2, 3)]
    idle = standing("i", active_at=3 * HOUR)
    assert courses(decided(idle, *sleeping))["i"] == "run"
    assert courses(decided(idle, *sleeping[1:]))["i"] == "sleep Idle"


def test_who_is_put_to_sleep_by_hand_sleeps_although_there_is_no_place() -> None:
    sleeping = [asleep(f"s{hours}", hours) for hours in (1, 2, 3)]
    found = courses(decided(standing("h", sleep_asked=True), *sleeping))
    assert found["h"] == "sleep Asked" and found["s3"] == "expire SleepingLimit"


def test_one_whose_time_is_over_gives_its_place() -> None:
    over = standing("o", ttl=DAY, alive_since=DAY)
    found = courses(decided(over, waiting("w"), rules=_one()))
    assert found == {"o": "expire TimeOver", "w": "run"}


def test_without_limits_everybody_runs() -> None:
    rules = LifecycleRules(everything=Limit())
    many = [waiting(f"w{n}") for n in range(50)]
    assert set(courses(decided(*many, rules=rules)).values()) == {"run"}


@pytest.mark.parametrize(
    ("rules", "reason", "why"),
    [
        ({"everything": Limit(previews=1)}, Reason.PREVIEW_LIMIT, "no more than 1 preview may run at once"),
        (
            {"repository": Limit(cpu_millis=15)},
            Reason.CPU_LIMIT,
            "all previews of acme/shop together may have no more than 15m of CPU",
        ),
    ],
)
def test_one_that_waits_is_told_for_what(rules: dict[str, Any], reason: Reason, why: str) -> None:
    limits = {"everything": Limit(), **rules}
    found = decided(standing("r"), waiting("w"), rules=replace(QUEUE, **limits)).verdicts[key("w")]
    assert found.reason is reason
    assert f"Waits for room: {why}" in found.message
