"""A log followed by a WebSocket: what was before, what comes, and how the stream ends."""

from __future__ import annotations

from controller.logs.protocol import LogType
from tests.unit.webhook.logs.rig import followed, lines_of
from tests.unit.webhook.rest.world import World


async def test_the_last_hundred_lines_come_first_and_new_ones_after_them(world: World) -> None:
    lines = await lines_of(world)
    await lines.number(250)
    async with followed(world) as heard:
        assert await heard.sequences(100) == list(range(151, 251))
        await lines.number(3)
        assert await heard.sequences(3) == [251, 252, 253]
