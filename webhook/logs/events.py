"""A stream as server-sent events (the HTML standard's EventSource), for who cannot have a WebSocket."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from webhook.logs.socket import STALLED_SECONDS, bound
from webhook.logs.stream import Stream

log = structlog.get_logger()

MEDIA_TYPE = "text/event-stream"
PING = b": ping\n\n"
_RETRY = b"retry: 2000\n\n"
"""Milliseconds before a browser comes back."""


async def serve_events(request: web.Request, stream: Stream) -> web.StreamResponse:
    """Carry a stream until it ends, or the client goes."""
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = MEDIA_TYPE
    bound(request)
    await response.prepare(request)

    async def send(data: bytes) -> None:
        async with asyncio.timeout(STALLED_SECONDS):
            await response.write(data)

    try:
        await send(_RETRY)
        await stream.run(send)
        await response.write_eof()
    except (ConnectionError, TimeoutError):
        _cut(request)  # it is gone, or takes nothing
    except Exception:
        log.exception("a stream failed")
        _cut(request)
    return response


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
