"""How BuildKit fetches a directory: first every entry's name and mode, then the contents that it asks for.

The protocol is fsutil's: STAT packets in walking order (an empty one ends them), REQ packets with an entry's
index from the other side, DATA packets as answers (an empty one ends a file), FIN from both. Times are zero,
so that the same files give the same layers.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from controller.build.messages import message_class

STAT, REQ, DATA, FIN, ERR = range(5)
DIRECTORY = 1 << 31  # Go's os.ModeDir
SYMLINK = 1 << 27  # Go's os.ModeSymlink
CHUNK = 256 * 1024
BATCH = 256

_PACKET = message_class("Packet")

Contents = Callable[[tuple[str, ...]], AsyncIterator[tuple[str, bytes]]]
"""Gives the contents of files by their source, in the given order."""


@dataclass(frozen=True)
class Entry:
    """One file to offer: its path in the directory, its permissions, and where its content comes from."""

    path: str
    mode: int
    size: int
    source: str
    link: str | None = None


@dataclass(frozen=True)
class Directory:
    """A directory to offer."""

    entries: tuple[Entry, ...]
    contents: Contents


class Wire(Protocol):
    """A stream of messages in both directions."""

    async def recv_message(self) -> bytes | None:
        """The next message; None when the other side has ended."""

    async def send_message(self, message: bytes) -> None:
        """Send one message."""


async def serve(directory: Directory, wire: Wire) -> None:
    """Offer a directory until the other side has what it wants.

    Raises:
        ExceptionGroup: of a ValueError, when the other side said that it failed or does not keep to the
            protocol, or of what the contents raised.
    """
    offered = walk(directory.entries)
    for path, entry in offered:
        await wire.send_message(_stat(path, entry))
    await wire.send_message(_encode(STAT))
    wanted: asyncio.Queue[int | None] = asyncio.Queue()
    async with asyncio.TaskGroup() as both:
        both.create_task(_listen(len(offered), wanted, wire))
        both.create_task(_answer(directory, offered, wanted, wire))
    await wire.send_message(_encode(FIN))


def walk(entries: tuple[Entry, ...]) -> list[tuple[str, Entry | None]]:
    """Entries and the directories above them, each directory right before what it holds."""
    found: dict[str, Entry | None] = {}
    for entry in entries:
        parent = posixpath.dirname(entry.path)
        while parent and parent not in found:
            found[parent] = None
            parent = posixpath.dirname(parent)
        found[entry.path] = entry
    return sorted(found.items(), key=lambda item: item[0].split("/"))


async def _listen(offered: int, wanted: asyncio.Queue[int | None], wire: Wire) -> None:
    while (packet := _decode(await wire.recv_message()))[0] != FIN:
        kind, index, data = packet
        if kind == ERR:
            raise ValueError(f"the builder failed to fetch files: {data[:300].decode(errors='replace')}")
        if kind != REQ or index >= offered:
            raise ValueError("the builder asked for something that was not offered")
        wanted.put_nowait(index)
    wanted.put_nowait(None)


async def _answer(
    directory: Directory,
    offered: list[tuple[str, Entry | None]],
    wanted: asyncio.Queue[int | None],
    wire: Wire,
) -> None:
    """Send what is asked for, many files at a time: each look into the source has its price."""
    done = False
    while not done:
        batch = [await wanted.get()]
        while len(batch) < BATCH and not wanted.empty():
            batch.append(wanted.get_nowait())
        done = None in batch
        indexes = [index for index in batch if index is not None]
        entries = {index: offered[index][1] for index in indexes}
        sources = tuple(entry.source for entry in entries.values() if entry is not None)
        order = iter(indexes)
        async with aclosing(_pieces(directory.contents, sources)) as contents:
            async for content in contents:
                await _send_file(next(order), content, wire)


async def _pieces(contents: Contents, sources: tuple[str, ...]) -> Any:
    if sources:
        async for _, content in contents(sources):
            yield content


async def _send_file(index: int, content: bytes, wire: Wire) -> None:
    for at in range(0, len(content), CHUNK):
        await wire.send_message(_encode(DATA, index, content[at : at + CHUNK]))
    await wire.send_message(_encode(DATA, index))


def _stat(path: str, entry: Entry | None) -> bytes:
    packet: Any = _PACKET(type=STAT)
    packet.stat.path = path
    if entry is None:
        packet.stat.mode = DIRECTORY | 0o755
    elif entry.link is not None:
        packet.stat.mode, packet.stat.linkname = SYMLINK | 0o777, entry.link
    else:
        packet.stat.mode, packet.stat.size = entry.mode, entry.size
    return bytes(packet.SerializeToString())


def _encode(kind: int, index: int = 0, data: bytes = b"") -> bytes:
    return bytes(_PACKET(type=kind, id=index, data=data).SerializeToString())


def _decode(message: bytes | None) -> tuple[int, int, bytes]:
    if message is None:
        raise ValueError("the builder ended the transfer too early")
    packet: Any = _PACKET()
    packet.ParseFromString(message)
    return packet.type, packet.id, packet.data
