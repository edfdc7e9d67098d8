"""A reverse proxy before the API server, which notes every request of whoever comes through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from tests.integration.chart.rights import FORBIDDEN, Use, uses
from tests.integration.operator.api import Api

HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
ANSWER_HOP = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding"})


@dataclass
class Recorder:
    """What came through, and where it listens."""

    url: str = ""
    used: set[Use] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def note(self, request: web.Request, status: int) -> None:
        """Keep what was asked for, and what was answered where that was a refusal."""
        if status == FORBIDDEN:
            self.refused.append(f"{request.method} {request.path_qs}")
        self.used.update(uses(request.method, request.path, request.query, status))


@asynccontextmanager
async def recording(api: Api) -> AsyncIterator[Recorder]:
    """A proxy before this API server, until the end; callers bring their own tokens."""
    recorder = Recorder()
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(ssl=api.trusted, limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            headers = {key: value for key, value in request.headers.items() if key.lower() not in HOP}
            url = URL(f"{api.server}{request.raw_path}", encoded=True)
            body = await request.read()
            async with session.request(request.method, url, data=body or None, headers=headers) as found:
                recorder.note(request, found.status)
                kept = {key: value for key, value in found.headers.items() if key.lower() not in ANSWER_HOP}
                answer = web.StreamResponse(status=found.status, headers=kept)
                with suppress(ConnectionResetError):  # whoever asked has gone meanwhile
                    await answer.prepare(request)
                    async for chunk in found.content.iter_any():
                        await answer.write(chunk)
                    await answer.write_eof()
                return answer

        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            recorder.url = f"http://{host}:{port}"
            yield recorder
        finally:
            await runner.cleanup()
