"""What an alarm says when it is heard: that it rang, and for which of all reasons."""

from __future__ import annotations

import asyncio

from controller.alarm import Alarm
from controller.passes import Trigger
from tests.unit.controller.manual_clock import ManualClock, drain


async def test_of_all_that_rang_before_it_is_heard_the_strongest_is_told_once() -> None:
    alarm = Alarm(ManualClock())
    for trigger in (Trigger.DRIFT, Trigger.CHANGED, Trigger.DRIFT, Trigger.VERDICT):
        alarm.ring(trigger)
    assert await alarm.heard() is Trigger.CHANGED
    assert not alarm.pending
    alarm.ring(Trigger.DRIFT)
    assert await alarm.heard() is Trigger.DRIFT


async def test_a_touch_is_nothing_to_look_at_unless_something_rang_beside_it() -> None:
    alarm = Alarm(ManualClock())
    alarm.touch()
    assert await alarm.heard() is None
    alarm.ring(Trigger.WISH)
    alarm.touch()
    assert await alarm.heard() is Trigger.WISH


async def test_a_retry_that_is_hastened_stays_a_retry() -> None:
    clock = ManualClock()
    alarm = Alarm(clock)
    alarm.ring_in(60, Trigger.RETRY)
    alarm.hasten(2, Trigger.DRIFT)
    heard = asyncio.create_task(alarm.heard())
    await drain()
    assert not heard.done()
    await clock.advance(2)
    assert await heard is Trigger.RETRY
    await alarm.close()


async def test_what_rings_now_takes_the_place_of_what_was_to_ring_later() -> None:
    clock = ManualClock()
    alarm = Alarm(clock)
    alarm.ring_in(60, Trigger.RETRY)
    alarm.ring(Trigger.DELETED)
    assert await alarm.heard() is Trigger.DELETED
    await clock.advance(120)
    assert not alarm.pending
    await alarm.close()
