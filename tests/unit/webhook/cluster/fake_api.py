"""An API server with Previews that a test plays by hand: lists, watches, and their failures."""

from __future__ import annotations

import asyncio
import copy
import json
from datetime import datetime
from typing import Any

from aiohttp import web

from controller.clock import WallClock
from controller.cluster.wire import ApiServer
from controller.probes import Pulse
from tests.contract.bridge_cluster_world import spec_of
from tests.unit.cluster.serving import refusal
from webhook.cluster.cache import PreviewWatch
from webhook.cluster.index import PreviewIndex
from webhook.cluster.objects import spec_json
from webhook.subject import Subject

Body = dict[str, Any]


class FlyingClock(WallClock):
    """Who sleeps wakes at once, and that time has passed."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


def body(number: int, version: int, **spec: Any) -> Body:
    """A Preview for a pull request of acme/shop, as the API server would send it."""
    return {
        "metadata": {
            "name": f"shop-{number}",
            "namespace": "previews",
            "uid": f"uid-{number}",
            "resourceVersion": str(version),
            "creationTimestamp": datetime(2026, 1, 1, 0, number).isoformat() + "Z",
        },
        "spec": {**spec_json(spec_of(Subject("acme/shop", number))), **spec},
    }


class FakeApi:
    """`handle` is for `serving`; `bodies` and `version` are what a list gives, `send` feeds open watches."""

    def __init__(self) -> None:
        self.bodies: list[Body] = []
        self.version = 100
        self.page = 500
        self.failing: int | None = None
        """Status that every list is answered with."""
        self.forgotten: set[str] = set()
        """Versions that a watch is refused from with 410."""
        self.lists: list[dict[str, str]] = []
        self.watches: list[dict[str, str]] = []
        self._open: list[asyncio.Queue[bytes | None]] = []
        self._broken: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        if "watch" in query:
            return await self._watch(request, query)
        self.lists.append(query)
        if self.failing is not None:
            return refusal(self.failing, "away")
        begin = int(query.get("continue", "0"))
        end = begin + self.page
        metadata = {"resourceVersion": str(self.version)}
        if end < len(self.bodies):
            metadata["continue"] = str(end)
        return web.json_response({"metadata": metadata, "items": copy.deepcopy(self.bodies[begin:end])})

    async def _watch(self, request: web.Request, query: dict[str, str]) -> web.StreamResponse:
        self.watches.append(query)
        if query["resourceVersion"] in self.forgotten:
            return refusal(410, "too old resource version")
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._open.append(queue)
        self._broken.append(request)
        while (line := await queue.get()) is not None:
            await response.write(line)
        return response

    def send(self, kind: str, sent: Body) -> None:
        """One change to all open watches."""
        for queue in self._open:
            queue.put_nowait(json.dumps({"type": kind, "object": sent}).encode() + b"\n")

    def end(self) -> None:
        """All watches end as they do in time."""
        for queue in self._open:
            queue.put_nowait(None)
        self._open.clear()

    def cut(self) -> None:
        """All connections of watches break."""
        for request in self._broken:
            if request.transport is not None:
                request.transport.abort()
        self._open.clear()
        self._broken.clear()

    @property
    def watched(self) -> bool:
        """Somebody watches."""
        return bool(self._open)


def watching(api: ApiServer, clock: FlyingClock) -> tuple[PreviewIndex, PreviewWatch]:
    """An index and what keeps it."""
    index = PreviewIndex(clock)
    return index, PreviewWatch(api, "previews", index, clock, Pulse(clock))
