"""A stream over a WebSocket (RFC 6455): frames go to the connection as they were made, many in one write.

What the client says is read and not listened to, but for its close and its answers to pings.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import structlog
from aiohttp import WSCloseCode, web
from aiohttp.abc import AbstractStreamWriter

from webhook.logs.stream import Ending, Stream
from webhook.logs.stream_access import PROTOCOL

log = structlog.get_logger()

STALLED_SECONDS = 60.0
"""A client that takes nothing for that long is let go."""
CLOSE_SECONDS = 2.0
"""What a client has to answer a close."""
HEARD_MAX = 4096
_UNSENT_MAX = 64 * 1024
_SEND_BUFFER = 256 * 1024
"""What the machine keeps of one slow connection; by itself it would be some megabytes each."""


async def serve_socket(request: web.Request, stream: Stream, ping_seconds: float) -> web.WebSocketResponse:
    """Carry a stream until it ends, or the client goes.

    Raises:
        HTTPBadRequest: the request is no WebSocket's.
    """
    response = web.WebSocketResponse(
        protocols=(PROTOCOL,),
        heartbeat=ping_seconds,
        compress=False,
        max_msg_size=HEARD_MAX,
        timeout=CLOSE_SECONDS,
    )
    bound(request)
    writer = await response.prepare(request)
    saying = asyncio.create_task(_say(request, writer, stream))
    hearing = asyncio.create_task(_hear(response))
    try:
        await asyncio.wait({saying, hearing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hearing.cancel()
        saying.cancel()
        outcome, _ = await asyncio.gather(saying, hearing, return_exceptions=True)
    if isinstance(outcome, Ending):
        await response.close(code=outcome.code, message=outcome.reason.encode())
    elif not isinstance(outcome, asyncio.CancelledError):
        await _broken(response, outcome)
    return response


def bound(request: web.Request) -> None:
    """Bound what the machine keeps of a connection that is not read."""
    connection = request.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


async def _say(request: web.Request, writer: AbstractStreamWriter, stream: Stream) -> Ending:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError

    async def send(data: bytes) -> None:
        if transport.is_closing():
            raise ConnectionResetError
        transport.write(data)
        if transport.get_write_buffer_size() > _UNSENT_MAX:
            async with asyncio.timeout(STALLED_SECONDS):
                await writer.drain()

    return await stream.run(send)


async def _hear(response: web.WebSocketResponse) -> None:
    async for _ in response:
        pass


async def _broken(response: web.WebSocketResponse, outcome: BaseException) -> None:
    """The client is gone or takes nothing; what nobody foresaw is told as such, and to the log."""
    if isinstance(outcome, TimeoutError | ConnectionError):
        return
    log.error("a stream failed", exc_info=outcome)
    await response.close(code=WSCloseCode.INTERNAL_ERROR, message=b"Something went wrong here.")
