"""Who sleeps and who goes because of the time, and what is told before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.lifecycle.protocol import Course, Reason
from controller.lifecycle.standing import Stage
from tests.unit.lifecycle.examples import DAY, HOUR, MINUTE, NOW, courses, decided, key, standing

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("fields", "course"),
    [
        ({"active_at": 2 * HOUR - SECOND}, "run"),
        ({"active_at": 2 * HOUR}, "sleep Idle"),
        ({"active_at": 2 * HOUR, "pinned": True}, "run"),
        ({"active_at": 2 * HOUR, "busy": True}, "run"),
        ({"active_at": 2 * HOUR, "fixed": True}, "run"),
        ({"active_at": 2 * HOUR, "sleep_after": None}, "run"),
        ({"active_at": 2 * HOUR, "sleep_after": 3 * HOUR}, "run"),
        ({"sleep_asked": True}, "sleep Asked"),
        ({"sleep_asked": True, "pinned": True}, "sleep Asked"),
        ({"sleep_asked": True, "fixed": True}, "run"),
        ({"active_at": 48 * HOUR}, "expire Idle"),
        ({"active_at": 48 * HOUR, "busy": True}, "expire Idle"),
        ({"active_at": 48 * HOUR, "pinned": True}, "run"),
        ({"active_at": 48 * HOUR, "sleep_asked": True}, "expire Idle"),
        ({"active_at": 48 * HOUR, "keep_until": NOW + SECOND}, "sleep Idle"),
        ({"active_at": 48 * HOUR, "keep_until": NOW}, "expire Idle"),
        ({"active_at": 48 * HOUR, "idle_timeout": None, "sleep_after": None}, "run"),
        ({"ttl": DAY, "alive_since": DAY - SECOND}, "run"),
        ({"ttl": DAY, "alive_since": DAY}, "expire TimeOver"),
        ({"ttl": DAY, "alive_since": DAY, "active_at": MINUTE, "busy": True}, "expire TimeOver"),
        ({"ttl": DAY, "alive_since": DAY, "pinned": True}, "run"),
        ({"ttl": DAY, "alive_since": DAY, "fixed": True}, "run"),
        ({"ttl": DAY, "alive_since": DAY, "keep_until": NOW + HOUR}, "run"),
        ({"ttl": DAY, "alive_since": DAY, "keep_until": NOW - HOUR}, "expire TimeOver"),
    ],
)
def test_one_that_runs(fields: dict[str, Any], course: str) -> None:
    assert courses(decided(standing("pr-1", **fields))) == {"pr-1": course}


@pytest.mark.parametrize(
    ("stage", "fields", "course"),
    [
        (Stage.ASLEEP, {"because": Reason.EVICTED}, "sleep Evicted"),
        (Stage.ASLEEP, {"active_at": 47 * HOUR}, "sleep Idle"),
        (Stage.ASLEEP, {"active_at": 48 * HOUR}, "expire Idle"),
        (Stage.ASLEEP, {"active_at": 48 * HOUR, "pinned": True}, "sleep Idle"),
        (Stage.WAITING, {"active_at": 3 * HOUR}, "run"),
        (Stage.WAITING, {"active_at": 48 * HOUR}, "expire Idle"),
        (Stage.WAITING, {"sleep_asked": True}, "sleep Asked"),
        (Stage.FAILED, {"active_at": 3 * HOUR}, "run"),
        (Stage.FAILED, {"active_at": 48 * HOUR}, "expire Idle"),
        (Stage.FAILED, {"ttl": HOUR}, "expire TimeOver"),
        (Stage.ENDED, {"because": Reason.TIME_OVER}, "expire TimeOver"),
        (Stage.ENDED, {"because": Reason.SLEEPING_LIMIT, "pinned": True}, "expire SleepingLimit"),
    ],
)
def test_one_that_does_not_run(stage: Stage, fields: dict[str, Any], course: str) -> None:
    assert courses(decided(standing("pr-1", stage, **fields))) == {"pr-1": course}


@pytest.mark.parametrize(("active", "ttl"), [(2 * HOUR, None), (48 * HOUR, None), (49 * HOUR, 4 * DAY)])
def test_while_nobody_counts_visits_nothing_sleeps_or_goes_for_want_of_them(
    active: timedelta, ttl: timedelta | None
) -> None:
    one = standing("pr-1", active_at=active, ttl=ttl, alive_since=3 * DAY)
    assert courses(decided(one, visits_known=False)) == {"pr-1": "run"}


def test_a_ttl_ends_although_nobody_counts_visits() -> None:
    over = standing("pr-1", ttl=DAY, alive_since=DAY)
    assert courses(decided(over, visits_known=False)) == {"pr-1": "expire TimeOver"}


@pytest.mark.parametrize(
    ("fields", "in_time"),
    [
        ({"active_at": HOUR}, HOUR),
        ({"active_at": HOUR, "pinned": True}, None),
        ({"active_at": HOUR, "fixed": True}, None),
        ({"stage": Stage.ASLEEP, "active_at": 40 * HOUR}, 8 * HOUR),
        ({"stage": Stage.ASLEEP, "active_at": 40 * HOUR, "keep_until": NOW + DAY}, DAY),
        ({"stage": Stage.ENDED, "ttl": DAY}, None),
        ({"stage": Stage.FAILED, "active_at": 40 * HOUR, "ttl": 3 * HOUR}, HOUR),
        ({"stage": Stage.FAILED, "active_at": 40 * HOUR, "ttl": 2 * HOUR - MINUTE}, HOUR - MINUTE),
        ({"stage": Stage.ASLEEP, "since": SECOND, "runs": True}, MINUTE - SECOND),
    ],
)
def test_the_next_look_is_at_the_first_time_that_may_change_something(
    fields: dict[str, Any], in_time: timedelta | None
) -> None:
    found = decided(standing("pr-1", **fields)).next_look
    assert found == (None if in_time is None else NOW + in_time)


def test_nothing_but_a_ttl_is_looked_for_while_nobody_counts_visits() -> None:
    one = standing("pr-1", ttl=10 * HOUR)
    assert decided(one, visits_known=False).next_look == NOW + 8 * HOUR
    assert decided(replace(one, ttl=None), visits_known=False).next_look is None


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({"alive_since": 23 * HOUR - SECOND}, False),
        ({"alive_since": 23 * HOUR}, True),
        ({"alive_since": 24 * HOUR - SECOND}, True),
        ({"alive_since": 24 * HOUR}, False),
        ({"alive_since": 23 * HOUR, "pinned": True}, False),
        ({"alive_since": 23 * HOUR, "fixed": True}, False),
        ({"alive_since": 23 * HOUR, "stage": Stage.ENDED}, False),
        ({"alive_since": 23 * HOUR, "stage": Stage.ASLEEP}, True),
        ({"alive_since": 23 * HOUR, "ttl": None}, False),
        ({"alive_since": 23 * HOUR, "keep_until": NOW + 2 * HOUR}, False),
        ({"alive_since": 30 * HOUR, "keep_until": NOW + HOUR}, True),
    ],
)
def test_an_hour_before_its_ttl_is_over_it_is_told(fields: dict[str, Any], warned: bool) -> None:
    assert bool(decided(standing("pr-1", **{"ttl": DAY, **fields})).expiring) is warned


def test_the_end_that_is_told_is_the_one_that_is_kept() -> None:
    one = standing("pr-1", ttl=DAY, alive_since=DAY - 30 * MINUTE)
    assert decided(one).expiring == {key("pr-1"): NOW + 30 * MINUTE}
    later = decided(one, now=NOW + 30 * MINUTE)
    assert later.verdicts[key("pr-1")].course is Course.EXPIRE


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"active_at": 2 * HOUR}, "Not used for 2h: asleep; the next request wakes it."),
        (
            {"active_at": 48 * HOUR},
            "Not used for 2d: torn down, its database included. A push, `/preview deploy` or a wish to wake "
            "brings it back.",
        ),
        (
            {"ttl": 12 * HOUR, "alive_since": DAY},
            "Its time of 12h is over: torn down, its database included. A push, `/preview deploy` or a wish "
            "to wake brings it back.",
        ),
        ({"sleep_asked": True}, "Put to sleep by hand: the next request wakes it."),
    ],
)
def test_people_are_told_why_and_what_to_do(fields: dict[str, Any], message: str) -> None:
    assert decided(standing("pr-1", **fields)).verdicts[key("pr-1")].message == message


def test_what_is_said_does_not_change_with_the_time() -> None:
    asleep = standing("pr-1", Stage.ASLEEP)
    assert decided(asleep).verdicts == decided(asleep, now=NOW + 5 * HOUR).verdicts


def test_no_preview_decides_nothing() -> None:
    nothing = decided()
    assert nothing.verdicts == {} and nothing.next_look is None and nothing.expiring == {}
