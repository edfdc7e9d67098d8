"""The protocol by which BuildKit fetches a directory, played from its side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from controller.build.filesync import DATA, ERR, FIN, REQ, STAT, Directory, Entry, serve, walk
from controller.build.messages import message_class

PACKET = message_class("Packet")
DIRECTORY_BIT, LINK_BIT = 1 << 31, 1 << 27


def entry(path: str, content: bytes = b"", link: str | None = None) -> Entry:
    return Entry(path, 0o644, len(content), f"source:{path}", link)


class Receiver:
    """BuildKit's side: asks for files by index, and takes what comes."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.outbox: asyncio.Queue[bytes] = asyncio.Queue()

    async def recv_message(self) -> bytes | None:
        return await self.inbox.get()

    async def send_message(self, message: bytes) -> None:
        await self.outbox.put(message)

    def say(self, kind: int, index: int = 0, data: bytes = b"") -> None:
        self.inbox.put_nowait(PACKET(type=kind, id=index, data=data).SerializeToString())

    async def hear(self) -> Any:
        packet = PACKET()
        packet.ParseFromString(await asyncio.wait_for(self.outbox.get(), 5))
        return packet


FILES = {"source:a/b": b"x" * 600_000, "source:a-b": b"second", "source:empty": b""}


async def contents(paths: tuple[str, ...]) -> AsyncIterator[tuple[str, bytes]]:
    for path in paths:
        yield path, FILES[path]


DIRECTORY = Directory(
    (entry("a-b", b"second"), entry("a/b", b"x" * 600_000), entry("empty"), entry("link", link="a/b")),
    contents,
)


async def test_stats_come_in_walking_order_and_contents_on_request() -> None:
    receiver = Receiver()
    task = asyncio.create_task(serve(DIRECTORY, receiver))
    stats = []
    while (packet := await receiver.hear()).HasField("stat"):
        stats.append((packet.stat.path, packet.stat.mode, packet.stat.size, packet.stat.linkname))
    assert packet.type == STAT
    assert stats == [
        ("a", DIRECTORY_BIT | 0o755, 0, ""),
        ("a/b", 0o644, 600_000, ""),
        ("a-b", 0o644, 6, ""),
        ("empty", 0o644, 0, ""),
        ("link", LINK_BIT | 0o777, 0, "a/b"),
    ]
    received = {1: b"", 2: b"", 3: b""}
    for index in received:
        receiver.say(REQ, index)
    open_ = set(received)
    while open_:
        packet = await receiver.hear()
        assert packet.type == DATA
        received[packet.id] += packet.data
        if not packet.data:
            open_.discard(packet.id)
    assert received == {1: b"x" * 600_000, 2: b"second", 3: b""}
    receiver.say(FIN)
    assert (await receiver.hear()).type == FIN
    await task


@pytest.mark.parametrize("last", [(REQ, 99, b""), (ERR, 0, b"disk full"), (STAT, 0, b""), None])
async def test_a_receiver_that_fails_or_misbehaves_ends_the_transfer(
    last: tuple[int, int, bytes] | None,
) -> None:
    receiver = Receiver()
    if last is None:
        receiver.inbox.put_nowait(None)
    else:
        receiver.say(*last)
    with pytest.raises(ExceptionGroup) as failed:
        await serve(DIRECTORY, receiver)
    assert isinstance(failed.value.exceptions[0], ValueError)


def test_each_directory_comes_right_before_what_it_holds() -> None:
    found = [path for path, _ in walk((entry("b/c/d"), entry("b.c"), entry("a"), entry("b/a")))]
    assert found == ["a", "b", "b/a", "b/c", "b/c/d", "b.c"]
