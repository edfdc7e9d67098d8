"""Logs that are followed: a server with the streams alone, who writes lines, and who hears them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from controller.api.names import LogKey
from controller.logs.memory import MemoryStore
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Batch, LogStore
from tests.unit.webhook.rest.world import BEGIN, COMMIT, KEY, Watch, World
from webhook.cluster.memory import MemoryCluster
from webhook.logs.hub import Hub
from webhook.logs.slots import Slots
from webhook.logs.stream import Pace
from webhook.logs.streams import add_streams
from webhook.rest.api import Api
from webhook.rest.errors import failures
from webhook.settings import BridgeSettings
from webhook.tokens import Scope
from webhook.turns import Turns

PACE = Pace(quiet=0.3)
STREAM = "/api/previews/pr-42/logs/stream"


@dataclass
class Site(World):
    """The streams behind a real server on a free port."""

    store: MemoryStore = None  # type: ignore[assignment]
    hub: Hub = None  # type: ignore[assignment]
    slots: Slots = None  # type: ignore[assignment]

    def bearer(self, *repositories: str, jti: str = "one") -> dict[str, str]:
        """The header of a token."""
        return {"Authorization": f"Bearer {self.token(Scope.READ, *repositories, jti=jti)}"}

    async def end(self) -> None:
        """End the server, as SIGTERM does."""
        await self.client.server.close()

    async def lines(self, number: int = 42, repository: str = "acme/shop") -> Lines:
        """A Preview, and who writes its log."""
        preview = await self.made(number, repository)
        return Lines(self.store, preview.log_key, preview.slug or "")


@asynccontextmanager
async def streaming(
    slots: Slots | None = None, pace: Pace = PACE, store: LogStore | None = None, **settings: Any
) -> AsyncIterator[Site]:
    """The streams of an installation with one key; of another store than the twin, if one is given."""
    clock, twin, places = Watch(), MemoryStore(), Slots() if slots is None else slots
    cluster, hub = MemoryCluster(clock=clock), Hub(store or twin, clock)
    given = BridgeSettings.model_validate({"api_key": KEY, **settings})
    api = Api.of(given, cluster, store or twin, Turns(), None, clock, lambda: "drawn")
    app = web.Application(middlewares=[failures])
    add_streams(app, api, hub, places, pace)
    async with TestClient(TestServer(app)) as client:
        site = Site(cluster, clock, api, client, store=twin, hub=hub, slots=places)
        cluster.listen(site.operate)
        yield site


class Lines:
    """Appends lines to a log."""

    def __init__(self, store: MemoryStore, key: LogKey, preview_id: str = "pr-42") -> None:
        self.key = key
        self.count = 0
        self._store = store
        self._preview_id = preview_id

    async def say(self, *messages: str, type: LogType = LogType.BUILD, service: str | None = None) -> None:
        """Append these."""
        created = BEGIN + timedelta(milliseconds=self.count)
        entries = tuple(
            LogEntry(self.key, self._preview_id, COMMIT, type, message, created, 42, service)
            for message in messages
        )
        self.count += len(entries)
        await self._store.append(Batch(f"{self.key} {self.count}", entries))

    async def number(self, count: int) -> None:
        """Append so many."""
        await self.say(*(f"line {self.count + 1 + index}" for index in range(count)))


class Heard:
    """What a WebSocket says, message by message."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen = 0
        """The newest sequence."""

    async def next(self, kind: str = "log") -> dict[str, Any]:
        """The next message of a kind; others are passed over."""
        while True:
            message = await self.socket.receive(timeout=10)
            assert message.type is WSMsgType.TEXT, f"it ended: {message}"
            found: dict[str, Any] = json.loads(message.data)
            if found["type"] == kind:
                return found

    async def sequences(self, count: int) -> list[int]:
        """Of the next so many lines."""
        found: list[int] = []
        for _ in range(count):
            self.seen = (await self.next())["data"]["sequence"]
            found.append(self.seen)
        return found

    async def numbers(self, count: int) -> list[int]:
        """Sequences of the next so many lines, each of which says `line <sequence>`."""
        found = [(await self.next())["data"] for _ in range(count)]
        assert [line["message"] for line in found] == [f"line {line['sequence']}" for line in found]
        return [line["sequence"] for line in found]

    async def messages(self, count: int) -> list[str]:
        """Of the next so many lines."""
        return [(await self.next())["data"]["message"] for _ in range(count)]

    async def ended(self) -> tuple[int | None, list[dict[str, Any]]]:
        """How it ends, and what it says before."""
        said: list[dict[str, Any]] = []
        while (message := await self.socket.receive(timeout=10)).type is WSMsgType.TEXT:
            said.append(json.loads(message.data))
        return self.socket.close_code, said


@asynccontextmanager
async def followed(site: Site, query: str = "", **arguments: Any) -> AsyncIterator[Heard]:
    """A WebSocket that follows pr-42, with a token unless other headers are given."""
    headers = arguments.pop("headers", None) or site.bearer()
    async with site.client.ws_connect(f"{STREAM}{query}", headers=headers, **arguments) as socket:
        yield Heard(socket)
