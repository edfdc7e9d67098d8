"""A log that is followed, on the real API; a relay before it breaks connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from cli.failure import Refused
from cli.following import Following, Ways
from cli.log_query import LogQuery
from controller.logs.protocol import LogType
from tests.integration.webhook.cluster.relay import Relay
from tests.unit.cli.stage import Lines, client_of, lines_of
from tests.unit.webhook.rest.test_reading import ran
from tests.unit.webhook.rest.world import World, until


@dataclass
class Heard:
    """What one who follows gets."""

    relay: Relay
    messages: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def come(self, count: int) -> list[str]:
        await until(lambda: len(self.messages) >= count)
        return self.messages

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0.02)

    async def ended(self) -> None:
        assert self.task is not None
        await asyncio.wait_for(self.task, 10)


@asynccontextmanager
async def following(world: World, query: LogQuery, after: int = 0) -> AsyncIterator[Heard]:
    server = world.client.server
    assert server.port is not None
    async with Relay("127.0.0.1", server.port) as relay, client_of(world, relay.port) as client:
        heard = Heard(relay)
        ways = Ways(heard.said.append, heard.wait, lambda: 0.5)

        async def listen() -> None:
            async for entry in Following(client, query, after, ways).entries():
                heard.messages.append(entry.line.message)

        heard.task = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            heard.task.cancel()
            with suppress(asyncio.CancelledError, Refused):
                await heard.task


def numbers(*bounds: int) -> list[str]:
    return [str(number) for number in range(*bounds)]


async def test_lines_come_once_from_where_it_begins(world: World) -> None:
    lines = await lines_of(world)
    await lines.number(5)
    async with following(world, LogQuery("pr-42"), after=2) as heard:
        await heard.come(3)
        await lines.number(3)
        assert await heard.come(6) == numbers(3, 9)
    assert heard.said == []


async def test_a_broken_connection_loses_and_doubles_nothing(world: World) -> None:
    lines = await lines_of(world)
    await lines.number(150)
    async with following(world, LogQuery("pr-42")) as heard:
        await heard.come(150)
        for turn in range(3):
            heard.relay.cut()
            await lines.number(120)
            await until(lambda turn=turn: len(heard.said) > 2 * turn)
            heard.relay.mend()
            await heard.come(150 + 120 * (turn + 1))
        await lines.number(1)
        assert await heard.come(511) == numbers(1, 512)
    assert heard.said[0].endswith("Connecting again …")
    assert heard.said[1::2] == ["connected again"] * 3


async def test_one_that_is_long_away_is_asked_ever_more_seldom_and_spoken_of_once(world: World) -> None:
    lines = await lines_of(world)
    await lines.number(1)
    async with following(world, LogQuery("pr-42")) as heard:
        await heard.come(1)
        heard.relay.cut()
        await until(lambda: len(heard.waits) >= 7)
        assert heard.waits[:7] == [seconds * 0.75 for seconds in (0.5, 1, 2, 4, 8, 10, 10)]
        assert len(heard.said) == 1


async def test_only_what_is_wanted_comes(world: World) -> None:
    lines = await lines_of(world)
    query = LogQuery("pr-42", ("build",), ("web",), text="A")
    async with following(world, query) as heard:
        await lines.say("a1", type=LogType.BUILD, service="web")
        await lines.say("a2", type=LogType.DEPLOY, service="web")
        await lines.say("a3", type=LogType.BUILD, service="api")
        await lines.say("b4", type=LogType.BUILD, service="web")
        await lines.say("a5", type=LogType.BUILD, service="web")
        assert await heard.come(2) == ["a1", "a5"]


async def test_it_ends_when_the_preview_is_gone_and_says_so(world: World) -> None:
    lines = await lines_of(world)
    await lines.number(1)
    async with following(world, LogQuery("pr-42")) as heard:
        await heard.come(1)
        preview = world.cluster.by_slug("pr-42")
        assert preview is not None
        world.cluster.remove(preview.key)
        await lines.say("the last word")
        await heard.ended()
    assert heard.messages == ["1", "the last word"]
    assert heard.said[-1] == "The preview is gone."


async def test_a_change_of_state_is_told_and_the_first_state_is_none(world: World) -> None:
    preview = await ran(world)
    async with following(world, LogQuery("pr-42")) as heard:
        await Lines(world, preview.log_key).number(1)
        await heard.come(1)
        assert heard.said == []
        world.cluster.set_status(preview.key, phase="Sleeping")
        await until(lambda: bool(heard.said))
        assert heard.said == ["pr-42 is sleeping"]


async def test_a_preview_made_anew_meanwhile_is_read_from_its_beginning(world: World) -> None:
    lines = await lines_of(world)
    await lines.number(50)
    async with following(world, LogQuery("pr-42")) as heard:
        await heard.come(50)
        heard.relay.cut()
        preview = world.cluster.by_slug("pr-42")
        assert preview is not None
        world.cluster.remove(preview.key)
        await (await lines_of(world)).number(3)
        heard.relay.mend()
        assert (await heard.come(53))[50:] == numbers(1, 4)
    assert "made anew" in heard.said[1]


async def test_a_store_that_is_away_is_told_and_waited_for(world: World) -> None:
    lines = await lines_of(world)
    await lines.number(1)
    async with following(world, LogQuery("pr-42")) as heard:
        await heard.come(1)
        world.api.logs.available = False  # type: ignore[attr-defined]
        await until(lambda: bool(heard.said))
        world.api.logs.available = True  # type: ignore[attr-defined]
        await lines.number(1)
        assert await heard.come(2) == numbers(1, 3)


async def test_what_may_not_be_seen_ends_it(world: World) -> None:
    async with following(world, LogQuery("pr-1")) as heard:
        with pytest.raises(Refused, match="There is no such preview"):
            await heard.ended()
        assert heard.waits == []
