"""A stand-in for the bridge's door: it answers what no instance serves, and tells what reached it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

STATUS = 503


@asynccontextmanager
async def bridge(port: int) -> AsyncIterator[None]:
    """Answer every request with 503 and what it was: method, host, path, and its headers in lower case."""

    async def tell(request: web.Request) -> web.Response:
        seen = {
            "method": request.method,
            "host": request.host,
            "path": request.path_qs,
            "headers": {name.lower(): value for name, value in request.headers.items()},
        }
        return web.json_response(seen, status=STATUS)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", tell)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()
