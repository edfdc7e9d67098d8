"""`wake` and `sleep` to their outcome, and how what sleeps, waits or ends is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from cli.client import of_preview
from cli.failure import Failure
from cli.terminal import Terminal
from cli.watching import Shown, reach
from controller.api.names import PIN, SLEEP, WAKE
from controller.api.preview import Preview
from controller.api.status import ConditionStatus, ConditionType, Phase
from tests.unit.cli.stage import Stage, client_of
from tests.unit.cli.test_looking import column
from tests.unit.webhook.rest.test_reading import condition, ran
from tests.unit.webhook.rest.world import BEGIN, World

LATER = BEGIN + timedelta(hours=3)
STALLED = condition(ConditionType.STALLED, ConditionStatus.TRUE, "StartFailed", "web exits at once")


def operator(world: World, meet: Callable[[Preview], None]) -> None:
    """Meets each wish to wake or to sleep once, soon after it was wished."""
    met: set[str] = set()

    def heard(preview: Preview, gone: bool) -> None:
        wishes = {preview.metadata.annotations.get(wish) for wish in (WAKE, SLEEP)} - {None} - met
        if wishes and not gone:
            met.update(filter(None, wishes))
            asyncio.get_running_loop().call_soon(meet, preview)

    world.cluster.listen(heard)


def becomes(world: World, phase: Phase, **fields: object) -> Callable[[Preview], None]:
    def meet(preview: Preview) -> None:
        woken = preview.metadata.annotations.get(WAKE)
        fields.setdefault("phase_since", LATER)
        world.cluster.set_status(preview.key, phase=phase, wake_handled=woken, **fields)

    return meet


async def test_wake_waits_until_it_runs_and_shows_where(stage: Stage) -> None:
    await ran(stage.world, phase=Phase.SLEEPING)
    operator(stage.world, becomes(stage.world, Phase.RUNNING))
    found = await stage.run("wake", "pr-42")
    assert (found.code, found.err) == (0, "The preview is woken up.\n")
    assert found.lines[-1] == "pr-42 running · web running, worker running · http://web.test"


async def test_sleep_waits_until_it_sleeps(stage: Stage) -> None:
    await ran(stage.world)
    operator(stage.world, becomes(stage.world, Phase.SLEEPING))
    found = await stage.run("sleep", "pr-42")
    assert found.code == 0
    assert found.lines[-1].startswith("pr-42 sleeping")


@pytest.mark.parametrize(("verb", "phase"), [("wake", Phase.RUNNING), ("sleep", Phase.SLEEPING)])
async def test_what_is_so_already_is_done_at_once(stage: Stage, verb: str, phase: Phase) -> None:
    await ran(stage.world, phase=phase)
    assert (await stage.run(verb, "pr-42")).code == 0


async def test_one_that_fails_on_the_way_ends_with_1_and_says_why(stage: Stage) -> None:
    await ran(stage.world, phase=Phase.SLEEPING)
    operator(stage.world, becomes(stage.world, Phase.FAILED, conditions=(STALLED,)))
    found = await stage.run("wake", "pr-42")
    assert found.code == 1
    assert "web exits at once" in found.out


async def test_one_that_has_to_wait_shows_its_place_until_it_is_let_in(stage: Stage) -> None:
    await ran(stage.world, phase=Phase.EXPIRED)
    world = stage.world

    def meet(preview: Preview) -> None:
        becomes(world, Phase.QUEUED, queue_position=2, queue_length=5)(preview)
        asyncio.get_running_loop().call_later(1.5, becomes(world, Phase.RUNNING), preview)

    operator(world, meet)
    found = await stage.run("wake", "pr-42")
    assert found.code == 0
    assert any(line.startswith("pr-42 queued 2/5") for line in found.lines)
    assert found.lines[-1].startswith("pr-42 running")


async def test_where_nothing_happens_that_is_said(stage: Stage) -> None:
    await ran(stage.world)
    async with client_of(stage.world) as client:
        before = of_preview(await client.preview("pr-42"))
        with pytest.raises(Failure, match="still running"):
            await reach(client, Shown(Terminal.of({})), before, "sleeping", each=0.01, patience=0.05)


async def test_a_list_shows_who_waits_sleeps_and_is_pinned(stage: Stage) -> None:
    await ran(stage.world, 1, phase=Phase.QUEUED, queue_position=2, queue_length=5, last_accessed_time=None)
    await ran(stage.world, 2, phase=Phase.SLEEPING)
    pinned = await ran(stage.world, 3)
    await stage.world.cluster.annotate(pinned.key, {PIN: "2026-01-01T00:00:00Z"})
    out = (await stage.run("list")).out
    assert column(out, "STATUS") == ["queued", "sleeping", "running"]
    assert "queued 2/5" in out and "running (pinned)" in out
    assert column(out, "USED")[0] == "-"


async def test_the_whole_of_one_says_when_it_was_used_sleeps_and_ends(stage: Stage) -> None:
    preview = await ran(stage.world, phase=Phase.SLEEPING, phase_since=LATER, expires_time=LATER)
    out = (await stage.run("status", "pr-42")).out
    assert "Asleep since  2026-01-01 03:00 UTC" in out
    assert "Expires       2026-01-01 03:00 UTC, in 0s" in out
    assert "Used          2026-01-01 00:00 UTC" in out
    stage.world.cluster.set_status(preview.key, phase=Phase.EXPIRED)
    assert "Expired     2026-01-01 03:00 UTC" in (await stage.run("status", "pr-42")).out
