"""When a subject may be written next, without anything that is written."""

from __future__ import annotations

import random

import pytest

from tests.unit.controller.manual_clock import ManualClock
from webhook.feedback.pace import LONG_AGO, Limits, Pace
from webhook.feedback.settings import FeedbackSettings


@pytest.fixture
def pace() -> Pace:
    return Pace(FeedbackSettings(), random.Random(7))


def test_the_first_news_are_told_at_once(pace: Pace) -> None:
    assert pace.due("a", LONG_AGO) < 0


def test_news_wait_three_seconds_after_an_edit(pace: Pace) -> None:
    pace.wrote("a", 100, settled=True)
    assert pace.due("b", LONG_AGO) == 103


def test_progress_is_told_after_ten_seconds_and_then_less_and_less_often(pace: Pace) -> None:
    waits, now = [], 100.0
    pace.wrote("a", now, settled=True)
    for _ in range(6):
        due = pace.due("a", LONG_AGO)
        waits.append(due - now)
        now = due
        pace.wrote("a", now, settled=True)
    assert waits == [10, 20, 40, 80, 120, 120]


def test_failures_are_tried_again_from_five_seconds_to_ten_minutes_with_jitter(pace: Pace) -> None:
    waits, now = [], 100.0
    pace.wrote("a", now, settled=False)
    for _ in range(12):
        due = pace.due("a", LONG_AGO)
        waits.append(due - now)
        now = due
        pace.wrote("a", now, settled=False)
    nominal = [min(5 * 2.0**number, 600) for number in range(12)]
    assert all(0.75 * each <= wait <= each for wait, each in zip(waits, nominal, strict=True))
    assert waits != nominal


def test_news_begin_anew_after_a_failure(pace: Pace) -> None:
    for _ in range(10):
        pace.wrote("a", 100, settled=False)
    assert pace.due("a", LONG_AGO) > 400
    assert pace.due("b", LONG_AGO) == 105


def test_a_limit_counts_before_everything_and_holds_an_owner(pace: Pace) -> None:
    clock = ManualClock()
    limits = Limits(clock)
    limits.reached("Acme/shop", 900)
    limits.reached("acme/other", 60)
    assert limits.until("acme/site") == 900
    assert limits.until("globex/site") == LONG_AGO
    assert 900 <= pace.due("a", limits.until("acme/shop")) <= 905
