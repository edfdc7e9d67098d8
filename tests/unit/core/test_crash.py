"""The operator killed at every point there is: the next one ends where an undisturbed one does."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from controller.api.names import WAKE
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.lifecycle.protocol import Course
from tests.unit.core.world import COMMIT_A, COMMIT_B, COMMIT_C, COMMIT_D, FILES, KEY, World

LONE = b"services: {web: {dockerfile: Dockerfile, context: web, port: 8080}}"


class Killed(BaseException):
    """SIGKILL: nothing of the operator sees it coming."""


@dataclass(frozen=True)
class Story:
    """A situation, and the wish that is cut off in the middle."""

    name: str
    commits: tuple[str, ...]
    """Served one after the other before; the last one is the wish."""
    delete: bool = False
    rested: Course | None = None
    """What became of it before: it slept, or had expired."""
    course: Course | None = None
    """What is to become of it now, instead of another commit."""

    async def begin(self) -> World:
        world = World()
        world.source.add(
            "acme/shop", COMMIT_B, {**FILES, "migrations/002_more.sql": b"create table more ();\n"}
        )
        world.source.add("acme/shop", COMMIT_C, {**FILES, "preview.yaml": LONE})
        world.source.add(
            "acme/shop", COMMIT_D, {**FILES, "migrations/001_items.sql": b"create table other ();\n"}
        )
        pushes = not self.delete and self.course is None
        for commit in self.commits[:-1] if pushes else self.commits:
            world.apply(commit)
            await world.settle()
        if self.rested is not None:
            world.decide(self.rested)
            await world.settle()
        world.decide(self.course or Course.RUN)
        if self.delete:
            world.delete()
        elif pushes:
            world.apply(self.commits[-1])
        elif self.course is Course.RUN:
            world.wish(WAKE, "2026-01-02T00:00:00Z")
        return world


STORIES = (
    Story("create", (COMMIT_A,)),
    Story("create of one service", (COMMIT_C,)),
    Story("update", (COMMIT_A, COMMIT_B)),
    Story("update that changes a migration", (COMMIT_A, COMMIT_D)),
    Story("update that takes the change back", (COMMIT_A, COMMIT_D, COMMIT_A)),
    Story("update to a spec without a database and with a service less", (COMMIT_A, COMMIT_C)),
    Story("update to a spec with a database and with a service more", (COMMIT_C, COMMIT_A)),
    Story("delete", (COMMIT_A,), delete=True),
    Story("delete after an update", (COMMIT_A, COMMIT_B), delete=True),
    Story("sleep", (COMMIT_A,), course=Course.SLEEP),
    Story("sleep of one service", (COMMIT_C,), course=Course.SLEEP),
    Story("wake", (COMMIT_A,), rested=Course.SLEEP, course=Course.RUN),
    Story("wake of one service", (COMMIT_C,), rested=Course.SLEEP, course=Course.RUN),
    Story("update of one that sleeps", (COMMIT_A, COMMIT_B), rested=Course.SLEEP),
    Story("expire", (COMMIT_A,), course=Course.EXPIRE),
    Story("expire of one that sleeps", (COMMIT_A,), rested=Course.SLEEP, course=Course.EXPIRE),
    Story("wake of one that expired", (COMMIT_A,), rested=Course.EXPIRE, course=Course.RUN),
    Story("update of one that expired", (COMMIT_A, COMMIT_B), rested=Course.EXPIRE),
    Story("delete of one that sleeps", (COMMIT_A,), delete=True, rested=Course.SLEEP),
)


class Operator:
    """An operator in a world, which is killed at the n-th of some points."""

    def __init__(self, world: World, strike_at: int | None = None) -> None:
        self.world = world
        self.points = 0
        self._strike_at = strike_at

    def point(self, *_: object) -> None:
        """Somewhere to be killed."""
        self.points += 1
        if self.points == self._strike_at:
            raise Killed

    async def at_action(self, action: Action, moment: Moment) -> None:
        self.point()

    async def work(self) -> bool:
        """Whether it was killed at its work."""
        killed = False
        try:
            await self.world.settle()
        except* Killed:
            killed = True
        return killed


def between_actions(operator: Operator) -> None:
    """Before and after every action of the plans that are really carried out."""
    operator.world.on_action = operator.at_action


def inside_calls(operator: Operator) -> None:
    """Inside calls to engine and database server: a container not started yet, a role without a database."""
    operator.world.on_step = operator.point
    engine = operator.world.runtime.engine
    run = engine.run

    def interrupted(name: str) -> None:
        operator.point()
        run(name)

    engine.run = interrupted  # type: ignore[method-assign]


def end(world: World) -> dict[str, Any]:
    return {**world.snapshot(), "status": world.told() if KEY in world.cluster.bodies else None}


async def recovered(world: World) -> dict[str, Any]:
    """What a new operator makes of it."""
    world.restart()
    world.on_action, world.on_step = None, lambda _: None
    world.runtime.engine.__dict__.pop("run", None)
    if KEY in world.cluster.bodies:
        await world.settle()
    return end(world)


@pytest.mark.parametrize("arm", [between_actions, inside_calls])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_killed_operator_leaves_what_the_next_one_completes(
    story: Story, arm: Callable[[Operator], None]
) -> None:
    undisturbed = Operator(await story.begin())
    arm(undisturbed)
    assert not await undisturbed.work()
    expected = end(undisturbed.world)
    assert undisturbed.points > 0
    for point in range(1, undisturbed.points + 1):
        operator = Operator(await story.begin(), point)
        arm(operator)
        assert await operator.work()
        assert await recovered(operator.world) == expected, f"killed at point {point}"


async def test_an_operator_that_is_killed_again_and_again_gets_there() -> None:
    story = Story("update", (COMMIT_A, COMMIT_B))
    undisturbed = await story.begin()
    await undisturbed.settle()
    world = await story.begin()
    dice = random.Random(1)
    for _ in range(200):
        operator = Operator(world, dice.randint(1, 24))
        between_actions(operator)
        if not await operator.work():
            break
        world.restart()
    assert end(world) == end(undisturbed)


async def test_what_is_restored_without_its_status_finds_its_own_and_nothing_restarts() -> None:
    world = World()
    world.apply()
    await world.settle()
    before, told = world.snapshot(), world.told()
    started = {name: c.started_at for name, c in world.runtime.engine.containers.items()}
    body = world.cluster.bodies[KEY]
    body["metadata"]["uid"] = "another"
    del body["status"]
    world.restart()
    done = await world.settle()
    assert not any(action.startswith(("build", "start", "retire", "run")) for action in done), done
    assert (world.snapshot(), world.told()) == (before, told)
    assert {name: c.started_at for name, c in world.runtime.engine.containers.items()} == started
    (secret,) = world.cluster.secrets.values()
    assert secret.owner_uid == "another"


async def test_a_restart_in_the_middle_of_the_switch_never_takes_the_service_away() -> None:
    """After every kill, a host that was served leads to an instance that runs, at every moment."""
    story = Story("update", (COMMIT_A, COMMIT_B))
    undisturbed = Operator(await story.begin())
    between_actions(undisturbed)
    await undisturbed.work()
    for point in range(1, undisturbed.points + 1):
        operator = Operator(await story.begin(), point)
        between_actions(operator)
        await operator.work()
        world = operator.world
        world.restart()
        seen: list[str | None] = []

        async def look(*_: object, world: World = world, seen: list[str | None] = seen) -> None:
            seen += [route.instance for route in world.router.table.routes()]
            dead = [name for name in seen if name is not None and not world.runtime.ready(name)]
            assert dead == []

        world.on_action = look
        await world.settle()
