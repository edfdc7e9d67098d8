"""Answers that are read while they are sent: a log, page by page, however long it is.

    store ──▶ pages of lines ──▶ rendered ──▶ the answer's body, as fast as its reader takes it

What is wrong before the first piece is answered with a status, as everywhere. Once the answer has begun there
is no status left to give: it ends with a line that says why it breaks off.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog
from aiohttp import web

from controller.api.errors import PreviewError
from controller.api.names import LogKey
from controller.logs.memory import holds
from controller.logs.store import Filter, Line, LogStore, Page

log = structlog.get_logger()

PAGE_LINES = 500
TURN_LINES = 100
"""Of an archive, read before others have their turn."""
JSONL, TEXT = "application/jsonl", "text/plain"
Pieces = AsyncGenerator[bytes]


async def pages(store: LogStore, key: LogKey, where: Filter) -> AsyncGenerator[Sequence[Line]]:
    """All lines that a filter finds and that were there at the beginning, page by page."""
    last = (await store.last([key])).get(key, 0)
    found: Sequence[Line] = ()
    while not found or len(found) == PAGE_LINES:
        after = found[-1].sequence if found else where.after
        found = await store.read(key, replace(where, after=after, before=last + 1), Page(PAGE_LINES))
        if not found:
            return
        yield found


async def sifted(lines: AsyncGenerator[Line], where: Filter) -> AsyncGenerator[Sequence[Line]]:
    """What a filter finds of lines that come one by one, some at a time.

    Many may come at once: after some of them, others have their turn. What was found before a failure is
    given before it is raised.
    """
    held: list[Line] = []
    seen = 0
    async with aclosing(lines):
        try:
            async for line in lines:
                seen += 1
                if holds(line, where):
                    held.append(line)
                if seen % TURN_LINES == 0:
                    await asyncio.sleep(0)
                if len(held) == PAGE_LINES:
                    yield held
                    held = []
        except PreviewError:
            if held:
                yield held
            raise
    if held:
        yield held


async def rendered(of: AsyncGenerator[Sequence[Line]], render: Callable[[Line], bytes]) -> Pieces:
    """Pages as pieces of the answer's body."""
    async with aclosing(of):
        async for lines in of:
            yield b"".join(map(render, lines))


async def streamed(pieces: Pieces, media: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer whose body is these pieces.

    Args:
        pieces: of which the first one is made before this returns, and may fail as any answer may.
        media: JSONL or TEXT; in it, the last line says why the answer breaks off where it does.
        headers: of the answer.
    """
    first = await anext(pieces, b"")
    return web.Response(body=_all(first, pieces, media), content_type=media, charset="utf-8", headers=headers)


async def _all(first: bytes, pieces: Pieces, media: str) -> Pieces:
    async with aclosing(pieces):
        yield first
        try:
            async for piece in pieces:
                yield piece
        except PreviewError as error:
            log.warning("an answer breaks off", reason=error.reason)
            yield broken_off(error, media)


def broken_off(error: PreviewError, media: str) -> bytes:
    """The last line of an answer that is not all there."""
    if media == JSONL:
        said = {"error": {"message": error.message, "code": error.reason}}
        return json.dumps(said).encode() + b"\n"
    message = " ".join(error.message.split())
    return f"The log breaks off here: {message} ({error.reason})\n".encode("utf-8", "replace")
