"""A log followed by a WebSocket: what was before, what comes, and how the stream ends."""

from __future__ import annotations

import asyncio
import json

import pytest

from controller.logs.protocol import LogType
from controller.logs.render import line_json
from tests.unit.webhook.logs.rig import Heard, Lines, Site, followed
from tests.unit.webhook.rest.world import until


async def test_the_last_hundred_lines_come_first_and_new_ones_after_them(site: Site) -> None:
    lines = await site.lines()
    await lines.number(250)
    async with followed(site) as heard:
        assert await heard.sequences(100) == list(range(151, 251))
        await lines.number(3)
        assert await heard.sequences(3) == [251, 252, 253]


async def test_a_line_is_given_as_the_api_gives_it(site: Site) -> None:
    lines = await site.lines()
    await lines.say('\x1b[31mred\x1b[0m\r"quoted" \u2028 ünï \x00', service="web")
    async with followed(site) as heard:
        data = (await heard.next())["data"]
        (line,) = await site.store.read(lines.key)
        assert data == json.loads(line_json(line))
        assert data["message"] == '\x1b[31mred\x1b[0m\r"quoted" \u2028 ünï \x00'


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 16_000, 65_000, 66_000, 200_000])
async def test_a_line_of_any_length_is_one_whole_message(site: Site, length: int) -> None:
    lines = await site.lines()
    async with followed(site) as heard:
        await lines.say("ü" * length, "after it")
        assert (await heard.next())["data"]["message"] == "ü" * length
        assert (await heard.next())["data"]["message"] == "after it"


async def test_half_a_sign_in_a_line_ends_no_stream(site: Site) -> None:
    lines = await site.lines()
    async with followed(site) as heard:
        await lines.say("a\ud800b", "after it")
        assert (await heard.next())["data"]["message"] in ("a?b", "a\\ud800b")
        assert (await heard.next())["data"]["message"] == "after it"


async def test_after_gives_all_that_came_since_without_gap_or_double(site: Site) -> None:
    lines = await site.lines()
    await lines.number(5_000)
    async with followed(site, "?after=10") as heard:
        assert await heard.sequences(2_000) == list(range(11, 2_011))
        await lines.number(3_000)
        assert await heard.sequences(5_990) == list(range(2_011, 8_001))


async def test_lines_that_come_while_old_ones_are_read_have_no_gap_and_no_double(site: Site) -> None:
    lines = await site.lines()
    await lines.number(3_000)

    async def more() -> None:
        for _ in range(200):
            await lines.number(10)
            await asyncio.sleep(0)

    writing = asyncio.create_task(more())
    async with followed(site, "?after=0") as early, followed(site) as late:
        first = (await late.next())["data"]["sequence"]
        assert await early.sequences(5_000) == list(range(1, 5_001))
        assert await late.sequences(5_000 - first) == list(range(first + 1, 5_001))
    await writing


async def test_after_the_end_of_a_log_that_was_made_anew_gives_what_comes(site: Site) -> None:
    lines = await site.lines()
    await lines.number(3)
    async with followed(site, "?after=900") as heard:
        await heard.next("status")
        await lines.number(1)
        assert (await heard.next())["data"]["sequence"] == 4


async def test_filters_hold_for_what_was_and_for_what_comes(site: Site) -> None:
    lines = await site.lines()
    await some_of_each(lines, "old")
    async with followed(site, "?type=container,system&type=deploy&service=api&service=db,web") as heard:
        assert await heard.messages(2) == ["web old", "api old"]
        await some_of_each(lines, "new")
        assert await heard.messages(2) == ["web new", "api new"]


async def some_of_each(lines: Lines, word: str) -> None:
    await lines.say(f"build {word}", service="web")
    await lines.say(f"web {word}", type=LogType.CONTAINER, service="web")
    await lines.say(f"api {word}", type=LogType.CONTAINER, service="api")
    await lines.say(f"system {word}", type=LogType.SYSTEM)


async def test_each_reader_of_a_log_gets_what_it_asked_for(site: Site) -> None:
    lines = await site.lines()
    await lines.number(200)
    async with followed(site) as newest, followed(site, "?after=150") as later:
        async with followed(site, "?type=system") as other:
            assert await newest.sequences(100) == list(range(101, 201))
            assert await later.sequences(50) == list(range(151, 201))
            await lines.number(150)
            await lines.say("the end", type=LogType.SYSTEM)
            assert await newest.sequences(151) == list(range(201, 352))
            assert await later.sequences(151) == list(range(201, 352))
            assert await other.messages(1) == ["the end"]
        async with followed(site) as joined:
            assert await joined.sequences(100) == list(range(252, 352))


async def test_logs_of_two_previews_are_kept_apart(site: Site) -> None:
    lines, others = await site.lines(), await site.lines(43)
    async with followed(site) as heard:
        await others.say("another's")
        await lines.say("its own")
        assert await heard.messages(1) == ["its own"]


async def test_a_slow_reader_is_told_how_many_lines_it_missed_and_slows_nobody(site: Site) -> None:
    lines = await site.lines()
    await lines.say("before")
    async with followed(site, max_msg_size=0) as slow, followed(site) as fast:
        assert await slow.messages(1) == await fast.messages(1) == ["before"]
        total = 4_000
        hearing = asyncio.create_task(fast.sequences(total))
        for _ in range(total // 20):
            await lines.say(*("x" * 10_000 for _ in range(20)))
            await until(lambda: fast.seen >= lines.count - 200)
        assert await hearing == list(range(2, total + 2))
        await lines.say("the last", type=LogType.SYSTEM)
        got, missed = await until_the_last(slow)
        assert missed > 0 and got == sorted(set(got)) and len(got) + missed == total + 1


async def until_the_last(heard: Heard) -> tuple[list[int], int]:
    """The sequences that a reader had until the last line, and how many it was told to have missed."""
    got: list[int] = []
    missed = 0
    while True:
        message = await heard.socket.receive_json(timeout=10)
        if message["type"] == "missed":
            missed += message["count"]
        elif message["type"] == "log":
            got.append(message["data"]["sequence"])
            if message["data"]["type"] == "system":
                return got, missed


async def test_what_the_client_says_changes_nothing(site: Site) -> None:
    lines = await site.lines()
    async with followed(site) as heard:
        await heard.socket.send_str("hello")
        await heard.socket.send_bytes(b"\x00")
        await heard.socket.ping()
        await lines.say("still here")
        assert await heard.messages(1) == ["still here"]


async def test_a_client_that_says_too_much_is_let_go(site: Site) -> None:
    await site.lines()
    async with followed(site) as heard:
        await heard.socket.send_str("x" * 100_000)
        assert (await heard.ended())[0] == 1009


async def test_a_reader_that_goes_leaves_nothing_behind(site: Site) -> None:
    await site.lines()
    async with followed(site) as heard:
        await heard.next("status")
        assert len(site.hub) == 1 and len(site.slots) == 1
    await until(lambda: len(site.hub) == 0 and len(site.slots) == 0)
