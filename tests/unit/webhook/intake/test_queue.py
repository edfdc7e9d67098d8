"""The queue on a clock that only the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from controller.api.errors import BackendUnavailable, InvalidSpec
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.controller.tracer import MemoryTracer
from webhook.intake.queue import GIVE_UP_SECONDS, LINE_MAX, Queue, Work
from webhook.subject import Subject
from webhook.turns import Turns

ONE, TWO = Subject("acme/shop", 1), Subject("acme/shop", 2)


class World:
    """A queue, and what was done in it, in order."""

    def __init__(self, finish_seconds: float = 0.05) -> None:
        self.clock = ManualClock()
        self.turns = Turns()
        self.queue = Queue(self.turns, self.clock, finish_seconds)
        self.done: list[str] = []
        self.down = False

    def work(self, name: str, gate: asyncio.Event | None = None) -> Callable[[], Awaitable[None]]:
        async def do() -> None:
            if gate is not None:
                await gate.wait()
            if self.down:
                raise BackendUnavailable("ClusterUnavailable", "The API server does not answer.")
            self.done.append(name)

        return do


@pytest.fixture
def world() -> World:
    return World()


async def test_one_subject_in_turn_and_others_beside_it(world: World) -> None:
    gate = asyncio.Event()
    world.queue.put(Work(ONE, world.work("first", gate)))
    world.queue.put(Work(ONE, world.work("second")))
    world.queue.put(Work(TWO, world.work("other")))
    await drain()
    assert world.done == ["other"]
    gate.set()
    await drain()
    assert world.done == ["other", "first", "second"]
    assert world.queue.idle


async def test_a_newer_look_makes_one_that_still_waits_superfluous(world: World) -> None:
    gate = asyncio.Event()
    world.queue.put(Work(ONE, world.work("close", gate)))
    world.queue.put(Work(ONE, world.work("old"), "consider"))
    world.queue.put(Work(ONE, world.work("new"), "consider"))
    gate.set()
    await drain()
    assert world.done == ["close", "new"]


async def test_what_a_backend_kept_from_being_done_is_done_when_it_is_back(world: World) -> None:
    world.down = True
    world.queue.put(Work(ONE, world.work("late")))
    await world.clock.advance(40)
    assert world.done == []
    world.down = False
    await world.clock.advance(60)
    assert world.done == ["late"]


async def test_while_it_is_tried_again_a_newer_look_takes_its_place(world: World) -> None:
    world.down = True
    world.queue.put(Work(ONE, world.work("old"), "consider"))
    await drain()
    world.queue.put(Work(ONE, world.work("new"), "consider"))
    world.down = False
    await world.clock.advance(5)
    assert world.done == ["new"]


async def test_nothing_is_tried_for_ever(world: World) -> None:
    world.down = True
    world.queue.put(Work(ONE, world.work("never")))
    await world.clock.advance(GIVE_UP_SECONDS + 200)
    assert world.queue.idle
    world.down = False
    await world.clock.advance(200)
    assert world.done == []


async def test_what_is_refused_or_fails_does_not_hold_up_the_next(world: World) -> None:
    async def refused() -> None:
        raise InvalidSpec("Refused", "spec.services: must be fewer.")

    async def broken() -> None:
        raise RuntimeError

    for do in (refused, broken, world.work("next")):
        world.queue.put(Work(ONE, do))
    await drain()
    assert world.done == ["next"]


async def test_a_line_does_not_grow_without_end(world: World) -> None:
    gate = asyncio.Event()
    world.queue.put(Work(ONE, world.work("first", gate)))
    await drain()
    assert all(world.queue.put(Work(ONE, world.work(str(n)))) for n in range(LINE_MAX))
    assert not world.queue.put(Work(ONE, world.work("too much")))
    assert world.queue.put(Work(TWO, world.work("another's")))
    gate.set()
    await drain()
    assert "too much" not in world.done


async def test_work_waits_for_whoever_else_has_the_subjects_turn(world: World) -> None:
    async with world.turns.of(ONE):
        world.queue.put(Work(ONE, world.work("mine")))
        await drain()
        assert world.done == []
    await drain()
    assert world.done == ["mine"]


async def test_close_ends_what_is_tried_again(world: World) -> None:
    world.down = True
    world.queue.put(Work(ONE, world.work("waiting")))
    await drain()
    await world.queue.close()
    assert world.queue.idle


async def test_close_lets_what_is_being_done_come_to_its_end() -> None:
    world, gate = World(finish_seconds=5), asyncio.Event()
    world.queue.put(Work(ONE, world.work("under way", gate)))
    world.queue.put(Work(ONE, world.work("next")))
    await drain()
    closing = asyncio.create_task(world.queue.close())
    await drain()
    gate.set()
    await closing
    assert world.done == ["under way", "next"]


async def test_lines_about_a_work_carry_the_delivery_that_it_came_by_and_no_other(world: World) -> None:
    found: list[dict[str, object]] = []

    async def do() -> None:
        found.append(get_contextvars())

    for delivery in ("one", "two"):
        with bound_contextvars(delivery=delivery):
            world.queue.put(Work(ONE, do))
    world.queue.put(Work(ONE, do))
    await drain()
    assert found == [
        {"delivery": "one", "subject": "acme/shop#1"},
        {"delivery": "two", "subject": "acme/shop#1"},
        {"subject": "acme/shop#1"},
    ]


async def test_a_work_is_traced_with_its_delivery_and_why_it_failed() -> None:
    tracer = MemoryTracer()
    queue = Queue(Turns(), ManualClock(), tracer=tracer)

    async def refused() -> None:
        raise InvalidSpec("Refused", "hunter2")

    with bound_contextvars(delivery="one"):
        queue.put(Work(ONE, refused))
    await drain()
    (span,) = tracer.spans
    assert (span.name, span.reason) == ("intake", "Refused")
    assert span.about == {"delivery": "one", "subject": "acme/shop#1"}
