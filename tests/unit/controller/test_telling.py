"""What the preview's own log says of how its passes ended: once for each change, with the reason."""

from __future__ import annotations

from controller.alarm import BACKOFF_MAX
from controller.logs.protocol import LogType
from controller.passes import Trigger
from tests.unit.controller.manual_clock import drain
from tests.unit.controller.operator_world import SECOND, OperatorWorld
from tests.unit.core.world import COMMIT_A, COMMIT_B, FILES, KEY

BROKEN = {**FILES, "preview.yaml": b"services: {web: {prot: 1}}"}
ENDINGS = ("reached:", "failed:", "not yet:", "suspended:", "gone:")


def endings(world: OperatorWorld) -> list[str]:
    """How the passes ended, as the log has it."""
    return [entry.message for entry in world.sink.entries if entry.message.startswith(ENDINGS)]


async def test_what_is_served_is_said_once_however_often_it_is_looked_at(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        for _ in range(5):
            fleet.workers[KEY].wake(Trigger.DRIFT)
            await world.pass_time(60)
        (said,) = endings(world)
        assert said == f"reached: commit {COMMIT_A[:12]} is served at {world.read().status.url}"
    async with world.operator():
        await world.pass_time(200)
        assert endings(world) == [said]


async def test_a_repair_is_said_with_its_end(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        world.sink.entries.clear()
        names, _ = world.runtime.engine.names(world.installation, KEY)
        world.runtime.engine.remove(names[0])
        fleet.workers[KEY].wake(Trigger.DRIFT)
        await world.pass_time(60)
        assert [said.split(":")[0] for said in endings(world)] == ["reached"]


async def test_a_failure_that_lasts_is_said_once_and_so_is_its_end(world: OperatorWorld) -> None:
    world.source.unavailable = True
    world.apply()
    async with world.operator():
        await world.pass_time(600)
        assert len(world.reconciler.passes) > 5
        (said,) = endings(world)
        assert said.startswith("not yet: ")
        assert said.endswith("It is tried again.")
        world.source.unavailable = False
        await world.pass_time(BACKOFF_MAX + 5)
        assert [said.split(":")[0] for said in endings(world)] == ["not yet", "reached"]


async def test_an_update_that_fails_for_good_is_said_with_what_goes_on(world: OperatorWorld) -> None:
    world.source.add("acme/shop", COMMIT_B, BROKEN)
    world.apply()
    async with world.operator():
        await world.served()
        world.apply(COMMIT_B)
        await world.pass_time(600)
        said = endings(world)[1:]
        assert len(said) == 1
        assert said[0].startswith("failed: PreviewFileInvalid: ")
        assert said[0].endswith("The version before goes on serving.")
        assert world.sink.entries[-1].commit == COMMIT_B
    async with world.operator():
        await world.pass_time(200)
        assert endings(world)[2:] == []


async def test_a_preview_of_a_source_that_another_stands_for_says_so_in_its_own_log(
    world: OperatorWorld,
) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        world.apply(name=SECOND.name)
        await world.pass_time(200)
        refused = world.read(SECOND)
        (entry,) = [e for e in world.sink.entries if e.key == refused.log_key]
        assert entry.message.startswith("failed: SourceTaken: Preview default/pr-1 already stands for")
        assert (entry.type, entry.preview_id) == (LogType.SYSTEM, SECOND.name)
        assert entry.key != world.read().log_key


async def test_the_end_is_said_and_what_was_left_when_it_was_let_go(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        key = world.read().log_key
        world.runtime.engine.unavailable = True
        world.delete()
        await world.pass_time(90)
        world.annotate("abandon", "2026-01-01T00:00:00Z")
        await drain()
        left, last = list(world.sink.entries)[-2:]
        assert "May be left: containers pr-1-*" in left.message
        assert (last.message, last.key) == ("gone: nothing is done for it any more", key)


async def test_a_suspended_preview_says_that_nothing_is_done(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        world.apply(suspend=True)
        await world.pass_time(200)
        assert endings(world)[1:] == ["suspended: spec.suspend is set: nothing is done."]
