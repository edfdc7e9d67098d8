"""The body of a request, read within bounds: of size, of time, and of how many large ones there are at once.

Content-Length is believed when it says too much, and not when it says little: what comes is counted.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from webhook.github.refusal import Refused

LARGE = 256 * 1024
LARGE_AT_ONCE = 4
LINGER_SECONDS = 1.0
_BROKEN = (web.RequestPayloadError, HttpProcessingError, ClientError, ConnectionError)


class Bodies:
    """Reads bodies.

    Args:
        limit: bytes of one body at most.
        seconds: a body has to be there within this time; GitHub itself gives up after ten.
    """

    def __init__(self, limit: int, seconds: float = 10.0) -> None:
        self._limit = limit
        self._seconds = seconds
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def read(self, request: web.BaseRequest) -> bytes:
        """The whole body.

        Raises:
            Refused: 413 when it is too large, 415 when it is compressed, 408 when it does not come in time,
                400 when it breaks off.
        """
        if "Content-Encoding" in request.headers:
            raise Refused(415, "BodyEncoded", "The body must come as it is, without Content-Encoding.")
        try:
            if request.content.is_eof():  # most bodies came in one piece with their headers
                return self._bounded(request.content.read_nowait())
            self._bound(request.content_length or 0)
            async with asyncio.timeout(self._seconds):
                return await self._collect(request)
        except TimeoutError:
            message = f"The body was not there within {self._seconds:.0f} s."
            raise Refused(408, "BodySlow", message) from None
        except _BROKEN:
            raise Refused(400, "BodyBroken", "The body breaks off, or is not chunked right.") from None

    async def _collect(self, request: web.BaseRequest) -> bytes:
        parts, size = [], 0
        async with AsyncExitStack() as place:
            async for part in request.content.iter_any():
                if size <= LARGE < size + len(part):
                    await place.enter_async_context(self._large)
                parts.append(part)
                size += len(part)
                self._bound(size)
            return b"".join(parts)

    def _bounded(self, body: bytes) -> bytes:
        self._bound(len(body))
        return body

    def _bound(self, size: int) -> None:
        if size > self._limit:
            raise Refused(413, "BodyTooLarge", f"The body has more than {self._limit} bytes.")


async def part_with(request: web.BaseRequest, response: web.Response) -> None:
    """Answer a request whose body is not read to its end, and close its connection.

    The sender gets a moment to see the answer before the close tears down what it still sends; meanwhile
    nothing more of the body is read.
    """
    response.force_close()
    with suppress(ConnectionError):  # nobody is there any more to see it
        await response.prepare(request)
        await response.write_eof()
        await asyncio.sleep(LINGER_SECONDS)
    request.protocol.force_close()
