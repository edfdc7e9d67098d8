"""What a pass says on its way to status and log: coalesced, free of secrets, nothing when nothing is done."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.api.errors import BackendUnavailable
from controller.api.status import ConditionType, PreviewStatus
from controller.core.actions import Linger
from controller.core.execute import Moment
from controller.logs.memory import MemorySink
from controller.logs.protocol import LogType
from controller.reporter import Ears, Hooks, Reporter
from tests.unit.controller.manual_clock import ManualClock
from tests.unit.core.examples import preview

IMAGES = ConditionType.IMAGES_READY


@dataclass
class Ear:
    """A reporter, and what came of it."""

    settled: bool = False
    written: list[PreviewStatus] = field(default_factory=list)
    failing: bool = False

    def __post_init__(self) -> None:
        self.clock, self.sink = ManualClock(), MemorySink()
        seen = {"status": {"observedGeneration": 3}} if self.settled else {}
        body = preview().model_dump(by_alias=True) | seen
        hooks = Hooks(self._write, lambda: None, lambda _: None)
        self.reporter = Reporter(
            type(preview()).model_validate(body), "pr-1", Ears(self.sink, self.clock), hooks
        )

    async def _write(self, status: PreviewStatus) -> None:
        if self.failing:
            raise BackendUnavailable("ClusterUnavailable", "No.")
        self.written.append(status)


async def test_a_quick_pass_writes_no_progress() -> None:
    ear = Ear()
    ear.reporter.step(IMAGES, "build web", serving=False)
    await ear.clock.advance(0.5)
    await ear.reporter.close()
    await ear.clock.advance(10)
    assert ear.written == []


async def test_a_long_pass_writes_its_newest_step_every_two_seconds_at_most() -> None:
    ear = Ear()
    for number in range(100):
        ear.reporter.step(IMAGES, f"step {number}", serving=False)
        await ear.clock.advance(0.1)
    assert 4 <= len(ear.written) <= 6
    assert len({status.step for status in ear.written}) == len(ear.written)
    await ear.clock.advance(5)
    assert ear.written[-1].step == "step 99"
    count = len(ear.written)
    await ear.clock.advance(60)
    assert len(ear.written) == count
    await ear.reporter.close()


async def test_a_pass_over_what_is_as_it_should_be_says_nothing() -> None:
    ear = Ear(settled=True)
    ear.reporter.step(ConditionType.SOURCE_READY, "read the source", serving=True)
    await ear.clock.advance(60)
    assert (ear.written, list(ear.sink.entries)) == ([], [])


async def test_a_single_long_action_shows_too() -> None:
    ear = Ear(settled=True)
    ear.reporter.step(IMAGES, "build web", serving=True)
    await ear.reporter.announce(Linger(), Moment.BEFORE)
    await ear.clock.advance(1)
    assert [status.step for status in ear.written] == ["build web"]
    await ear.reporter.close()


async def test_progress_that_could_not_be_written_is_written_later() -> None:
    ear = Ear(failing=True)
    ear.reporter.step(IMAGES, "build web", serving=False)
    await ear.clock.advance(5)
    ear.failing = False
    await ear.clock.advance(5)
    assert [status.step for status in ear.written] == ["build web"]
    await ear.reporter.close()


async def test_no_secret_gets_into_status_or_log() -> None:
    ear = Ear()
    ear.reporter.keep_secret(frozenset({"hunter2-hunter2"}))
    ear.reporter.step(IMAGES, "build with hunter2-hunter2", serving=False)
    ear.reporter.say(LogType.BUILD, "web", "one\ntoken=hunter2-hunter2")
    await ear.clock.advance(1)
    await ear.reporter.close()
    assert [entry.message for entry in ear.sink.entries] == ["one", "token=•••"]
    assert [status.step for status in ear.written] == ["build with •••"]
    assert {(e.preview_id, e.service, e.type) for e in ear.sink.entries} == {("pr-1", "web", LogType.BUILD)}
