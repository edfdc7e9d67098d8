"""Bodies that are too large, too slow or broken: refused at once, and nobody else waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.webhook.payloads import signed
from tests.unit.webhook.receiving import DEADLINE, GOOD, LIMIT, MIB, Bridge, answered, running, until
from webhook import body as body_module


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    async for one in running(Bridge()):
        yield one


class TestLargeBodies:
    async def test_thirty_megabytes_are_refused(self, bridge: Bridge) -> None:
        large = b" " * (30 * MIB)
        for body in (large, chunks(large)):
            status, answer = await bridge.post(body, signed(b""))
            assert (status, answer["error"]["code"]) == (413, "BodyTooLarge")
            assert str(LIMIT) in answer["error"]["message"]
        assert bridge.counted == [("pull_request", "BodyTooLarge")] * 2
        await bridge.still_answers()

    async def test_the_largest_that_github_sends_is_taken(self, bridge: Bridge) -> None:
        filling = b" " * (LIMIT - len(GOOD))
        for body in (GOOD + filling, chunks(GOOD + filling)):
            assert (await bridge.post(body, signed(GOOD + filling)))[0] == 202

    async def test_a_length_that_is_too_large_is_refused_before_any_of_it_is_there(
        self, bridge: Bridge
    ) -> None:
        reader, writer = await bridge.connect(f"Content-Length: {30 * MIB}")
        assert (await answered(reader))[0] == 413
        writer.close()

    @pytest.mark.parametrize("head", [f"Content-Length: {200 * MIB}", "Transfer-Encoding: chunked"])
    async def test_what_is_too_large_is_not_read_to_its_end(self, head: str) -> None:
        async for bridge in running(Bridge(limit=MIB)):
            _, writer = await bridge.connect(head)
            sent, part = 0, b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            with pytest.raises(ConnectionError):
                async with asyncio.timeout(DEADLINE):
                    while sent < 200 * MIB:
                        writer.write(part)
                        await writer.drain()
                        sent += len(part)
            assert sent < 30 * MIB  # what the kernel holds on both sides
            assert bridge.counted == [("", "BodyTooLarge")]
            await bridge.still_answers()

    async def test_large_ones_wait_for_each_other_and_small_ones_do_not(self, bridge: Bridge) -> None:
        size = 2 * body_module.LARGE
        stalled = [await bridge.connect(f"Content-Length: {size}") for _ in range(body_module.LARGE_AT_ONCE)]
        for _, writer in stalled:
            writer.write(b" " * (size - 1))
            await writer.drain()
        large = GOOD + b" " * size
        waiting = asyncio.create_task(bridge.post(large, signed(large)))
        await bridge.still_answers()
        await bridge.still_answers()
        assert not waiting.done()
        for _, writer in stalled:
            writer.close()
        assert (await waiting)[0] == 202


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), MIB):
        yield body[start : start + MIB]


class TestBodiesThatDoNotCome:
    async def test_a_slow_one_is_refused(self) -> None:
        async for bridge in running(Bridge(seconds=0.1)):
            reader, writer = await bridge.connect("Content-Length: 1000", "X-GitHub-Event: push")
            writer.write(b"{")
            status, answer = await answered(reader)
            assert (status, answer["error"]["code"]) == (408, "BodySlow")
            assert bridge.counted == [("push", "BodySlow")]
            writer.close()
            await bridge.still_answers()

    async def test_one_that_breaks_off_leaves_a_line(self, bridge: Bridge) -> None:
        _, writer = await bridge.connect("Content-Length: 1000")
        writer.write(b"{")
        await writer.drain()
        writer.close()
        await until(lambda: bridge.counted == [("", "BodyBroken")])
        assert bridge.log[0]["reason"] == "BodyBroken"
        await bridge.still_answers()

    async def test_wrong_chunks_are_refused(self, bridge: Bridge) -> None:
        reader, writer = await bridge.connect("Transfer-Encoding: chunked")
        writer.write(b"5\r\n12345\r\n")
        await writer.drain()
        writer.write(b"no number\r\n")
        async with asyncio.timeout(DEADLINE):
            assert (await reader.readline()).split()[1] == b"400"
        writer.close()
        await bridge.still_answers()
