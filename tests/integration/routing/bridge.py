"""A stand-in for the bridge's door: it answers what no instance serves, and tells what reached it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

STATUS = 503


class Bridge:
    """Answers every request with 503 and what it was: method, host, path, and its headers in lower case.

    Args:
        port: of loopback, where Traefik was told that it is.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", _tell)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        await self.open()
        try:
            yield
        finally:
            await self.close()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        await self.close()
        try:
            yield
        finally:
            await self.open()


async def _tell(request: web.Request) -> web.Response:
    seen = {
        "method": request.method,
        "host": request.host,
        "path": request.path_qs,
        "headers": {name.lower(): value for name, value in request.headers.items()},
    }
    return web.json_response(seen, status=STATUS)
