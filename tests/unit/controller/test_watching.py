"""What a pass leaves behind: counted by what rang and how it ended, timed by stage, its lines named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from structlog.contextvars import get_contextvars

from controller.api.errors import InvalidSpec, NotReady
from controller.core.reconcile import BUG
from controller.core.timed import TimedStage
from controller.core.work import Memory, Outcome
from controller.passes import Ending, Trigger, stronger
from controller.watching import Watching, ending_of, watched
from tests.unit.controller.manual_clock import ManualClock
from tests.unit.controller.tracer import MemoryTracer
from tests.unit.core.examples import preview


@dataclass
class Desk:
    """Somebody who counts."""

    passes: list[tuple[Trigger, Ending, float, dict[TimedStage, float]]] = field(default_factory=list)
    drawn: int = 0

    def __post_init__(self) -> None:
        self.clock, self.tracer = ManualClock(), MemoryTracer()
        self.watching = Watching(self.count, self.tracer, self.draw)

    def count(
        self, trigger: Trigger, ending: Ending, seconds: float, stages: Mapping[TimedStage, float]
    ) -> None:
        self.passes.append((trigger, ending, seconds, dict(stages)))

    def draw(self) -> str:
        self.drawn += 1
        return f"pass-{self.drawn}"


async def test_a_pass_is_counted_with_its_trigger_its_end_and_its_seconds() -> None:
    desk = Desk()
    with watched(desk.watching, desk.clock, preview(), Trigger.CREATED) as watch:
        await desk.clock.advance(2)
        watch.ends(Ending.CHANGED, acted=True)
    assert desk.passes == [(Trigger.CREATED, Ending.CHANGED, 2.0, {})]


async def test_parts_of_a_stage_that_lie_side_by_side_are_timed_once() -> None:
    desk = Desk()
    with watched(desk.watching, desk.clock, preview(), Trigger.CHANGED) as watch:
        with watch.timed(TimedStage.BUILD, "BuildImage", "web"):
            await desk.clock.advance(1)
            with watch.timed(TimedStage.BUILD, "BuildImage", "api"):
                await desk.clock.advance(2)
        await desk.clock.advance(4)
        with watch.timed(TimedStage.BUILD, "PullImage", "web"):
            await desk.clock.advance(8)
        watch.ends(Ending.CHANGED, acted=True)
    assert desk.passes[0][3] == {TimedStage.BUILD: 11.0}


async def test_the_stages_of_a_pass_that_did_nothing_are_not_told() -> None:
    desk = Desk()
    with watched(desk.watching, desk.clock, preview(), Trigger.DRIFT) as watch:
        with watch.timed(TimedStage.SOURCE, "ReadSource"):
            await desk.clock.advance(1)
        watch.ends(Ending.UNCHANGED)
    assert desk.passes[0][3] == {}


async def test_lines_of_a_pass_carry_its_names_and_those_of_others_beside_it_do_not_mix() -> None:
    desk = Desk()

    async def one(trigger: Trigger) -> dict[str, object]:
        with watched(desk.watching, desk.clock, preview(), trigger):
            await asyncio.sleep(0)
            return get_contextvars()

    found = await asyncio.gather(
        asyncio.create_task(one(Trigger.WISH)), asyncio.create_task(one(Trigger.DRIFT))
    )
    assert [(names["trigger"], names["reconcile"]) for names in found] == [
        ("wish", "pass-1"),
        ("drift", "pass-2"),
    ]
    assert found[0]["preview"] == "default/pr-1"
    assert found[0]["uid"] == preview().metadata.uid
    assert get_contextvars() == {}


async def test_what_breaks_and_what_is_cut_off_is_told_apart() -> None:
    desk = Desk()
    with (
        pytest.raises(ValueError, match="no"),
        watched(desk.watching, desk.clock, preview(), Trigger.RETRY),
    ):
        raise ValueError("no")
    with (
        pytest.raises(asyncio.CancelledError),
        watched(desk.watching, desk.clock, preview(), Trigger.RETRY),
    ):
        raise asyncio.CancelledError
    assert [ending for _, ending, _, _ in desk.passes] == [Ending.BROKEN, Ending.CANCELLED]


async def test_a_failed_action_stands_in_the_trace_with_its_reason_and_without_its_message() -> None:
    desk = Desk()
    with (
        pytest.raises(InvalidSpec),
        watched(desk.watching, desk.clock, preview(), Trigger.CREATED) as watch,
    ):
        watch.names("pr-1")
        with watch.timed(TimedStage.BUILD, "BuildImage", "web"):
            raise InvalidSpec("BuildFailed", "hunter2 was printed")
    root, action = desk.tracer.spans
    assert (root.name, root.about["slug"], root.about["reconcile"]) == ("reconcile", "pr-1", "pass-1")
    assert (action.parent, action.name) == (root, "BuildImage")
    assert action.about == {"action": "BuildImage", "stage": "build", "service": "web"}
    assert action.reason == "BuildFailed"
    assert "hunter2" not in str(desk.tracer.spans)


def test_how_a_pass_ended_follows_from_its_outcome() -> None:
    status = preview().status

    def ending(error: Exception | None = None, *, acted: bool = False, **more: bool) -> Ending:
        return ending_of(Outcome(status, Memory(), error, **more), acted=acted)  # type: ignore[arg-type]

    assert ending() is Ending.UNCHANGED
    assert ending(acted=True) is Ending.CHANGED
    assert ending(released=True, acted=True) is Ending.REMOVED
    assert ending(InvalidSpec("BuildFailed", "No."), final=True) is Ending.FAILED
    assert ending(NotReady("Starting", "Wait.")) is Ending.RETRIED
    assert ending(NotReady(BUG, "A bug.")) is Ending.BROKEN


def test_of_two_that_ring_the_stronger_is_told() -> None:
    assert stronger(None, Trigger.DRIFT) is Trigger.DRIFT
    assert stronger(Trigger.DRIFT, Trigger.CHANGED) is Trigger.CHANGED
    assert stronger(Trigger.DELETED, Trigger.CHANGED) is Trigger.DELETED
    assert stronger(Trigger.RETRY, Trigger.DRIFT) is Trigger.RETRY
