"""A proxy before the API server that swallows watches: they are taken, and nothing of them ever comes.

Everything else passes. `away` refuses everything, as when the API server is down.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web
from kubernetes.aio import client, config

DROPPED = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
NO_LIMIT = aiohttp.ClientTimeout(total=None)


class Swallowing:
    """Hands requests on to the API server.

    Args:
        host: the API server's address.
        session: knows its authority.
    """

    def __init__(self, host: str, session: aiohttp.ClientSession) -> None:
        self._host = host
        self._session = session
        self._open: set[asyncio.Transport] = set()
        self.swallows = False
        self.away = False
        self.watches = 0
        """How many watches were begun, those that were swallowed left out."""

    def swallow(self) -> None:
        """From now on watches are swallowed, those too that are open."""
        self.swallows = True

    def mend(self) -> None:
        """All is as it was; what was swallowed breaks."""
        self.swallows = self.away = False
        for transport in list(self._open):
            transport.abort()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hand one request on."""
        watch = "watch" in request.query
        transport = request.transport
        assert transport is not None
        if self.away:
            transport.abort()
            return web.Response(status=503)
        self._open.add(transport)
        try:
            if self.swallows and watch:
                await asyncio.Event().wait()
            self.watches += watch
            return await self._pass(request)
        finally:
            self._open.discard(transport)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in DROPPED}
        url = f"{self._host}{request.path_qs}"
        body = await request.read() or None
        async with self._session.request(
            request.method, url, headers=headers, data=body, timeout=NO_LIMIT
        ) as found:
            response = web.StreamResponse(status=found.status)
            response.content_type = found.content_type
            await response.prepare(request)
            async for chunk in found.content.iter_any():
                if self.swallows and "watch" in request.query:
                    await asyncio.Event().wait()
                await response.write(chunk)
            if self.swallows and "watch" in request.query:
                await asyncio.Event().wait()
            return response


@asynccontextmanager
async def swallowing(directory: Path) -> AsyncIterator[tuple[Swallowing, Path]]:
    """A proxy before the platform's API server, and the kubeconfig that leads to it."""
    configuration = client.Configuration()
    await config.load_kube_config(client_configuration=configuration)
    trusted = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted, limit=0)) as session:
        proxy = Swallowing(str(configuration.host).rstrip("/"), session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", proxy.serve)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            token = await configuration.get_api_key_with_prefix("BearerToken")
            path = directory / "kubeconfig"
            path.write_text(_kubeconfig(runner.addresses[0][1], str(token).removeprefix("Bearer ")))
            yield proxy, path
        finally:
            await runner.cleanup()


def _kubeconfig(port: int, token: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )
