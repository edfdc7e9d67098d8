"""An API server of a few lines on loopback, and the wire to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from controller.cluster.wire import ApiServer, Wrote

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, wrote: Wrote | None = None) -> AsyncIterator[ApiServer]:
    """Answer every request with the handler; `wrote` is told of every write."""
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    api = ApiServer.at(client.Configuration(host=f"http://127.0.0.1:{server.port}"), wrote)
    try:
        yield api
    finally:
        await api.close()
        await server.close()


def refusal(status: int, message: str) -> web.Response:
    """A Status as Kubernetes answers it."""
    return web.json_response({"kind": "Status", "message": message, "code": status}, status=status)
