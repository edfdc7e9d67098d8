"""What a pass is counted by: what rang for it, and how it ended, as a preview's life goes on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from controller.api.names import WAKE
from controller.core.timed import TimedStage
from controller.passes import Ending, Trigger
from controller.watching import Watching
from tests.unit.controller.manual_clock import drain
from tests.unit.controller.operator_world import OperatorWorld
from tests.unit.controller.tracer import MemoryTracer
from tests.unit.core.world import COMMIT_B, KEY


class Heard:
    """Counts passes."""

    def __init__(self, world: OperatorWorld) -> None:
        self.ends: Counter[tuple[Trigger, Ending]] = Counter()
        self.stages: Counter[TimedStage] = Counter()
        self.tracer = MemoryTracer()
        world.watching = Watching(self.count, self.tracer)

    def count(
        self, trigger: Trigger, ending: Ending, seconds: float, stages: Mapping[TimedStage, float]
    ) -> None:
        self.ends[trigger, ending] += 1
        self.stages.update(stages)

    def new(self) -> set[tuple[str, str]]:
        """Since this was last asked."""
        found = {(str(trigger), str(ending)) for trigger, ending in self.ends}
        self.ends.clear()
        return found


async def test_each_turn_of_a_life_is_counted_by_what_rang_for_it(world: OperatorWorld) -> None:
    heard = Heard(world)
    async with world.operator() as fleet:
        world.apply()
        await world.served()
        assert ("created", "changed") in heard.new()
        world.apply(COMMIT_B)
        await world.served(COMMIT_B)
        assert ("changed", "changed") in heard.new()
        world.annotate("redeploy", "1")
        await world.pass_time(10)
        assert ("wish", "changed") in heard.new()
        world.annotate(WAKE.partition("/")[2], "2026-01-01T00:00:00Z")
        await world.pass_time()
        assert heard.new() == {("wish", "unchanged")}
        fleet.reconsider(KEY)
        await world.pass_time()
        assert heard.new() == {("verdict", "unchanged")}
        fleet.workers[KEY].nudge()
        await world.pass_time()
        assert heard.new() == {("drift", "unchanged")}
        world.delete()
        await world.pass_time(30)
        assert ("deleted", "removed") in heard.new()
    assert set(heard.stages) == set(TimedStage)


async def test_what_was_there_before_the_operator_is_resumed(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
    heard = Heard(world)
    async with world.operator():
        await world.pass_time()
        assert ("resumed", "unchanged") in heard.new()


async def test_a_failure_is_retried_by_the_clock_and_what_cannot_succeed_fails(world: OperatorWorld) -> None:
    heard = Heard(world)
    world.runtime.engine.unavailable = True
    world.apply()
    async with world.operator():
        await world.pass_time(4)
        assert heard.new() == {("resumed", "retried"), ("retry", "retried")}
        world.runtime.engine.unavailable = False
        await world.pass_time(60)
        await world.served()
        assert ("retry", "changed") in heard.new()
        world.apply("f" * 40)  # there is no such commit
        await world.pass_time(10)
        assert ("changed", "failed") in heard.new()


async def test_a_newer_commit_cancels_and_its_span_says_so(world: OperatorWorld) -> None:
    heard = Heard(world)
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator():
        world.apply(COMMIT_B)
        await drain()
        assert heard.new() == {("resumed", "cancelled")}
        world.builder.gate.set()
        await world.served(COMMIT_B)
    builds = [span for span in heard.tracer.spans if span.name == "BuildImage"]
    assert {span.about.get("result") for span in builds} == {"cancelled", None}
    assert all(span.parent is not None and span.parent.name == "reconcile" for span in builds)
    assert {span.about["service"] for span in builds} == {"web", "api"}
