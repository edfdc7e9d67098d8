"""One task that decides over all previews: who is told what, when, and how often it is decided."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from controller.api.names import WAKE, PreviewKey
from controller.api.status import Phase
from controller.lifecycle import governor as governors
from controller.lifecycle.governor import WARM_SECONDS
from controller.lifecycle.protocol import Course, Reason
from controller.lifecycle.rules import LifecycleRules, Limit
from tests.unit.lifecycle.reign import ACCESS, HOUR, NEED, START, Reign


async def test_ten_that_ask_at_once_are_decided_on_together(monkeypatch: pytest.MonkeyPatch) -> None:
    reign = Reign(LifecycleRules(everything=Limit(previews=4)))
    times: list[float] = []
    decide = governors.decide

    def counted(*args: Any, **kwargs: Any) -> Any:
        times.append(reign.clock.seconds)
        return decide(*args, **kwargs)

    monkeypatch.setattr(governors, "decide", counted)
    async with reign.running():
        keys = [reign.see(number) for number in range(1, 11)]
        await reign.clock.advance(1)
        times.clear()
        asked = [asyncio.create_task(reign.governor.admit(key, NEED)) for key in keys]
        await reign.clock.advance(1)
        verdicts = [await one for one in asked]
        assert Counter(verdict.course for verdict in verdicts) == {Course.RUN: 4, Course.QUEUE: 6}
        places = [(v.position, v.waiting) for v in verdicts if v.course is Course.QUEUE]
        assert sorted(places) == [(n, 6) for n in range(1, 7)]
        assert len(times) == 1
        assert reign.governor.waiting() == 6
        assert reign.governor.running() == 4


async def test_whoever_asked_is_answered_and_not_told_beside() -> None:
    reign = Reign(LifecycleRules(everything=Limit(previews=1)))
    async with reign.running():
        first, second = reign.see(1), reign.see(2)
        await reign.clock.advance(1)
        assert await reign.admit(first) is Course.RUN
        assert await reign.admit(second) is Course.QUEUE
        assert reign.ear.told == []
        reign.governor.forget(first)
        await reign.clock.advance(1)
        assert reign.ear.told == [second]
        assert reign.course(second) is Course.RUN


async def test_the_same_needs_again_are_answered_at_once() -> None:
    reign = Reign()
    async with reign.running():
        key = reign.see(1)
        await reign.admit(key)
        assert (await reign.governor.admit(key, NEED)).course is Course.RUN


async def test_an_idle_preview_is_told_to_sleep_at_its_time_and_no_sooner() -> None:
    reign = Reign()
    key = PreviewKey("default", "pr-1")
    async with reign.running(key):
        reign.see(1, Phase.RUNNING)
        await reign.clock.advance(2 * HOUR - 1)
        assert (reign.course(key), reign.ear.told) == (Course.RUN, [])
        await reign.clock.advance(1)
        assert (reign.course(key), reign.ear.told) == (Course.SLEEP, [key])
        assert reign.ear.decisions == {("sleep", "Idle"): 1}


async def test_a_visit_puts_sleep_off_and_is_handed_on() -> None:
    reign = Reign()
    key = PreviewKey("default", "pr-1")
    async with reign.running(key):
        reign.see(1, Phase.RUNNING)
        await reign.clock.advance(HOUR)
        reign.access.visits["pr-1-web@http"] += 1
        await reign.clock.advance(2 * HOUR)
        assert reign.course(key) is Course.RUN
        ((name, time),) = reign.ear.visits
        assert name == "pr-1"
        assert HOUR <= (time - START).total_seconds() <= HOUR + ACCESS
        await reign.clock.advance(ACCESS)
        assert reign.course(key) is Course.SLEEP


async def test_nobody_is_idle_while_visits_are_not_counted() -> None:
    reign = Reign()
    key = PreviewKey("default", "pr-1")
    reign.access.unavailable = True
    async with reign.running(key):
        reign.see(1, Phase.RUNNING)
        await reign.clock.advance(3 * HOUR)
        assert reign.course(key) is Course.RUN
        assert reign.ear.unknown >= 18
        reign.access.unavailable = False
        await reign.clock.advance(2 * ACCESS)
        assert reign.course(key) is not Course.RUN


async def test_who_is_worked_on_falls_asleep_right_after() -> None:
    reign = Reign()
    key = PreviewKey("default", "pr-1")
    async with reign.running(key):
        reign.see(1, Phase.RUNNING)
        reign.governor.busy(key, working=True)
        await reign.clock.advance(3 * HOUR)
        assert reign.course(key) is Course.RUN
        reign.governor.busy(key, working=False)
        await reign.clock.advance(1)
        assert reign.course(key) is Course.SLEEP


async def test_a_verdict_is_kept_until_it_was_obeyed() -> None:
    """What is to sleep still runs, and its status says so: that does not take the decision back."""
    reign = Reign(LifecycleRules(everything=Limit(previews=1)))
    old, new = PreviewKey("default", "pr-1"), PreviewKey("default", "pr-2")
    async with reign.running(old):
        reign.see(1, Phase.RUNNING)
        await reign.clock.advance(HOUR)
        reign.see(2)
        assert await reign.admit(new) is Course.RUN
        assert reign.governor.verdict(old).reason is Reason.EVICTED
        for _ in range(5):
            reign.governor.busy(new, working=False)
            await reign.clock.advance(1)
        assert (reign.course(old), reign.course(new)) == (Course.SLEEP, Course.RUN)
        assert reign.ear.decisions["sleep", "Evicted"] == 1


async def test_a_wish_to_wake_is_decided_before_a_pass_begins() -> None:
    reign = Reign()
    async with reign.running():
        key = reign.see(1, Phase.SLEEPING)
        await reign.clock.advance(1)
        assert reign.course(key) is Course.SLEEP
        reign.see(1, Phase.SLEEPING, annotations={WAKE: "2026-01-01T00:00:01Z"})
        await reign.governor.considered(key)
        assert reign.course(key) is Course.RUN


async def test_what_sleeps_already_is_no_decision_of_a_new_operator() -> None:
    reign = Reign()
    async with reign.running():
        keys = [reign.see(1, Phase.SLEEPING), reign.see(2, Phase.EXPIRED), reign.see(3, Phase.QUEUED)]
        await reign.clock.advance(1)
        assert [reign.course(key) for key in keys[:2]] == [Course.SLEEP, Course.EXPIRE]
        assert reign.ear.decisions == {}


async def test_nothing_is_decided_before_it_is_known_what_runs() -> None:
    reign = Reign(LifecycleRules(everything=Limit(previews=1)))
    task = asyncio.create_task(reign.governor.run(reign.ear))
    key = reign.see(1)
    await reign.governor.considered(key)
    assert reign.course(reign.see(2, Phase.SLEEPING)) is Course.SLEEP
    asked = asyncio.create_task(reign.governor.admit(key, NEED))
    await reign.clock.advance(HOUR)
    assert not asked.done()
    reign.governor.occupied(frozenset())
    await reign.clock.advance(1)
    assert (await asked).course is Course.RUN
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_at_start_those_that_run_say_first_what_they_need() -> None:
    """A preview in the queue is not let in beside what is only counted as nothing yet."""
    reign = Reign(LifecycleRules(everything=Limit(memory_bytes=150)))
    runs, waits = reign.see(1, Phase.RUNNING), reign.see(2, Phase.QUEUED)
    async with reign.running(runs):
        asked = asyncio.create_task(reign.governor.admit(waits, NEED))
        await reign.clock.advance(5)
        assert not asked.done()
        assert await reign.admit(runs) is Course.RUN
        assert (await asked).course is Course.QUEUE


async def test_who_never_says_what_it_needs_holds_the_others_up_for_a_while_only() -> None:
    reign = Reign(LifecycleRules(everything=Limit(memory_bytes=150)))
    runs, waits = reign.see(1, Phase.RUNNING), reign.see(2, Phase.QUEUED)
    async with reign.running(runs):
        asked = asyncio.create_task(reign.governor.admit(waits, NEED))
        await reign.clock.advance(WARM_SECONDS + 1)
        assert (await asked).course is Course.RUN


async def test_the_end_of_a_ttl_is_known_and_told_when_it_is_soon() -> None:
    reign = Reign(LifecycleRules(ttl=timedelta(hours=5), sleep_after=None))
    key = PreviewKey("default", "pr-1")
    async with reign.running(key):
        reign.see(1, Phase.RUNNING)
        await reign.clock.advance(4 * HOUR - 1)
        expiry = reign.governor.expiry(key)
        assert expiry is not None
        assert (expiry.time, expiry.soon) == (START + timedelta(hours=5), False)
        assert reign.ear.told == [key]
        await reign.clock.advance(1)
        expiry = reign.governor.expiry(key)
        assert expiry is not None
        assert expiry.soon
        assert reign.ear.told == [key, key]
        await reign.clock.advance(HOUR)
        assert reign.governor.verdict(key).reason is Reason.TIME_OVER
        reign.see(1, Phase.EXPIRED)
        await reign.clock.advance(1)
        assert reign.governor.expiry(key) is None


async def test_a_bug_in_the_decision_holds_nobody_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    reign = Reign()
    decide = governors.decide
    broken = True

    def breaking(*args: Any, **kwargs: Any) -> Any:
        if broken:
            raise ZeroDivisionError
        return decide(*args, **kwargs)

    monkeypatch.setattr(governors, "decide", breaking)
    reign.governor.occupied(frozenset())
    key = reign.see(1)
    with pytest.raises(ExceptionGroup):
        await reign.governor.run(reign.ear)
    broken = False
    async with reign.running():
        assert await reign.admit(key) is Course.RUN


async def test_a_thousand_quiet_previews_are_decided_on_once_at_each_look_at_visits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reign = Reign(LifecycleRules(everything=Limit()))
    rounds = 0
    decide = governors.decide

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal rounds
        rounds += 1
        return decide(*args, **kwargs)

    keys = [reign.see(number, Phase.RUNNING) for number in range(1, 1001)]
    async with reign.running(*keys):
        await reign.clock.advance(1)
        monkeypatch.setattr(governors, "decide", counted)
        await reign.clock.advance(10 * ACCESS)
        assert rounds <= 11
        assert reign.ear.told == []
