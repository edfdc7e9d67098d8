"""An API that says what a test wants, for what the real one says seldom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from cli.client import Client, connected
from cli.connection import Connection

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def entry(sequence: int, **changes: Any) -> dict[str, Any]:
    """An entry whose message is its sequence."""
    return {
        "sequence": sequence,
        "type": "container",
        "service": "web",
        "message": str(sequence),
        "createdAt": "2026-01-01T00:00:00.000000Z",
        **changes,
    }


def log_frame(sequence: int) -> str:
    return json.dumps({"type": "log", "data": entry(sequence)})


@asynccontextmanager
async def answering(path: str, handler: Handler) -> AsyncIterator[Client]:
    """A client of an API with one route."""
    app = web.Application()
    app.router.add_get(path, handler)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        async with connected(Connection(url, "token"), version="test") as client:
            yield client
