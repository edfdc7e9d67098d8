"""Intake: entries that the bridge hands over, on their way to the sink that all others write to.

POST /log ──▶ the same gate as Traefik's ──▶ size ──▶ shape ──▶ sink ──▶ 204

What is not taken is not taken in part. A batch whose answer was lost comes again and is not kept twice.
"""

from __future__ import annotations

import asyncio
from collections import deque

import structlog
from aiohttp import web
from pydantic import ValidationError

from controller.api.preview import describe
from controller.logs.handed import BODY_MAX, HandedBatch
from controller.logs.protocol import LogSink

log = structlog.get_logger()

ROOM_SECONDS = 3.0
"""How long an answer waits for room in a sink whose store is away; the bridge keeps its own for a minute."""
REMEMBERED = 1000
"""Batches."""
_CHUNK = 64 * 1024
_WRONG_MAX = 1000
"""Characters of what is said to be wrong."""


class _TooLarge(Exception):
    """More bytes than one batch may have."""


class LogIntake:
    """Takes what the bridge says.

    Args:
        sink: where it goes.
        room_seconds: how long to wait for room there.
    """

    def __init__(self, sink: LogSink, room_seconds: float = ROOM_SECONDS) -> None:
        self._sink = sink
        self._room_seconds = room_seconds
        self._taken: deque[str] = deque(maxlen=REMEMBERED)

    async def post(self, request: web.Request) -> web.Response:
        """Take a batch: 204; 413 when it is too large, 422 when it is wrong, 503 while there is no room."""
        try:
            batch = HandedBatch.model_validate_json(await _body(request))
        except _TooLarge:
            return _refused(413, f"A batch has at most {BODY_MAX} bytes.")
        except ValidationError as error:
            wrong = describe(error)[:_WRONG_MAX]
            log.warning("entries of the bridge refused", wrong=wrong)
            return _refused(422, wrong)
        try:
            async with asyncio.timeout(self._room_seconds):
                await self._sink.room()
        except TimeoutError:
            return _refused(503, "There is no room for more entries; their store is away. Try again.")
        if batch.id not in self._taken:
            self._taken.append(batch.id)
            for handed in batch.entries:
                self._sink.write(handed.entry())
        return web.Response(status=204)


async def _body(request: web.Request) -> bytes:
    """The body, as far as it may be long; raises _TooLarge."""
    if (request.content_length or 0) > BODY_MAX:
        raise _TooLarge
    body = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > BODY_MAX:
            raise _TooLarge
    return bytes(body)


def _refused(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=f"{why}\n")
