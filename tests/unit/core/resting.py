"""Worlds in which a preview serves or sleeps, and what is looked at in them."""

from __future__ import annotations

from controller.lifecycle.protocol import Course
from controller.runtime.protocol import InstanceState
from tests.unit.core.world import COMMIT_A, FILES, World

LATER = "2026-01-01T09:00:00Z"
LONE = {**FILES, "preview.yaml": b"services: {web: {dockerfile: Dockerfile, context: web, port: 8080}}"}


async def served(files: dict[str, bytes] = FILES) -> World:
    world = World()
    world.source.add("acme/shop", COMMIT_A, files)
    world.apply()
    await world.settle()
    return world


async def asleep(files: dict[str, bytes] = FILES) -> World:
    world = await served(files)
    world.decide(Course.SLEEP)
    await world.settle()
    return world


def states(world: World) -> set[InstanceState]:
    return {container.state for container in world.runtime.engine.containers.values()}


def conditions(world: World) -> dict[str, tuple[str, str]]:
    return dict(world.told()["conditions"])


def shown(world: World) -> list[str | None]:
    return [route.instance for route in world.router.table.routes()]
