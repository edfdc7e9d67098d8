"""An operator that starts: when the router may speak, and what a start in the middle completes."""

from __future__ import annotations

import asyncio

from controller.api.names import PreviewKey
from controller.fleet import SETTLE_SECONDS
from tests.unit.controller.operator_world import SECOND, OperatorWorld, two
from tests.unit.core.world import COMMIT_B


async def test_the_router_speaks_once_every_preview_was_looked_at(world: OperatorWorld) -> None:
    await two(world)
    world.source.unavailable = True
    async with world.operator():
        assert world.router.table.settled
        assert len([r for r in world.router.table.routes() if r.instance]) == 2


async def test_a_preview_that_takes_long_does_not_keep_the_router_silent_for_ever(
    world: OperatorWorld,
) -> None:
    world.apply()
    world.builder.gate = asyncio.Event()
    async with world.operator():
        await world.pass_time(1)
        world.apply(COMMIT_B)
    gate, observe, hang = world.builder.gate, world.runtime.observe, asyncio.Event()

    async def hanging(preview: PreviewKey) -> object:
        await hang.wait()
        return await observe(preview)

    world.runtime.observe = hanging  # type: ignore[method-assign,assignment]
    async with world.operator():
        await world.pass_time(SETTLE_SECONDS - 1)
        assert not world.router.table.settled
        await world.pass_time(2)
        assert world.router.table.settled
        hang.set()
        gate.set()
        await world.served(COMMIT_B)


async def test_a_preview_created_while_the_operator_starts_is_confirmed(world: OperatorWorld) -> None:
    """Its switch waits until the table is complete, and the table never waits for it."""
    await two(world)
    new = PreviewKey("default", "pr-3")
    observe, hang = world.runtime.observe, asyncio.Event()

    async def hanging(preview: PreviewKey) -> object:
        if preview == SECOND:
            await hang.wait()
        return await observe(preview)

    world.runtime.observe = hanging  # type: ignore[method-assign,assignment]
    async with world.operator():
        world.apply(name="pr-3", source={"pullRequest": 3})
        await world.pass_time(2)
        assert not world.router.table.settled
        assert new not in world.router.confirmed
        hang.set()
        await world.served(key=new)


async def test_a_create_that_a_restart_cut_off_is_completed_before_the_table_settles(
    world: OperatorWorld,
) -> None:
    world.apply()
    world.builder.gate = asyncio.Event()
    async with world.operator():
        await world.pass_time(1)
    world.builder.gate.set()
    async with world.operator():
        await world.served()
