"""Conditions: the time of a transition moves only when the status does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.api.conditions import find, is_true, updated, without
from controller.api.status import Condition, ConditionStatus, ConditionType

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def condition(kind: ConditionType, status: ConditionStatus, message: str = "") -> Condition:
    return Condition(type=kind, status=status, reason="Test", message=message, last_transition_time=NOW)


READY = condition(ConditionType.READY, ConditionStatus.TRUE)
NOT_READY = condition(ConditionType.READY, ConditionStatus.FALSE, "down")
STALLED = condition(ConditionType.STALLED, ConditionStatus.TRUE)
ROUTED = condition(ConditionType.ROUTED, ConditionStatus.UNKNOWN)


def test_a_new_condition_gets_the_time_in_whole_seconds() -> None:
    (found,) = updated((), [READY], LATER)
    assert found.last_transition_time == LATER.replace(microsecond=0)


def test_the_same_status_keeps_its_time_and_takes_the_new_message() -> None:
    before = updated((), [READY], NOW)
    told = READY.model_copy(update={"message": "serving"})
    (found,) = updated(before, [told], LATER)
    assert (found.message, found.last_transition_time) == ("serving", NOW.replace(microsecond=0))


def test_another_status_moves_the_time() -> None:
    (found,) = updated(updated((), [READY], NOW), [NOT_READY], LATER)
    assert found.last_transition_time == LATER.replace(microsecond=0)


def test_the_same_news_twice_change_nothing() -> None:
    once = updated((), [READY, STALLED], NOW)
    assert updated(once, [READY, STALLED], LATER) == once


def test_the_order_does_not_depend_on_the_news() -> None:
    assert updated((), [ROUTED, STALLED, READY], NOW) == updated((), [READY, ROUTED, STALLED], NOW)
    assert [c.type for c in updated([ROUTED], [STALLED, READY], NOW)] == [
        ConditionType.READY,
        ConditionType.STALLED,
        ConditionType.ROUTED,
    ]


def test_conditions_are_found_and_left_out() -> None:
    both = updated((), [NOT_READY, STALLED], NOW)
    assert is_true(both, ConditionType.STALLED)
    assert not is_true(both, ConditionType.READY)
    assert not is_true(both, ConditionType.ROUTED)
    assert find(without(both, ConditionType.STALLED), ConditionType.STALLED) is None
