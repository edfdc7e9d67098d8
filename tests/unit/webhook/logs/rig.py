"""Lines of logs, and streams that read them, for tests of what follows logs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType

from controller.api.names import LogKey
from controller.logs.memory import MemoryStore
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Batch
from tests.unit.webhook.rest.world import BEGIN, COMMIT, World

KEY = LogKey("acme/shop", "one")
STREAM = "/api/previews/pr-42/logs/stream"
Message = dict[str, Any]


class Lines:
    """Appends lines to a log."""

    def __init__(self, store: MemoryStore, key: LogKey = KEY, preview_id: str = "pr-42") -> None:
        self._store = store
        self._key = key
        self._preview_id = preview_id
        self.count = 0

    async def say(self, *messages: str, type: LogType = LogType.BUILD, service: str | None = None) -> None:
        """Append these."""
        entries = tuple(self._entry(message, type, service) for message in messages)
        self.count += len(entries)
        await self._store.append(Batch(f"{self._key} {self.count}", entries))

    async def number(self, count: int) -> None:
        """Append so many; each message is its sequence."""
        await self.say(*(str(self.count + 1 + index) for index in range(count)))

    def _entry(self, message: str, type: LogType, service: str | None) -> LogEntry:
        created = BEGIN + timedelta(milliseconds=self.count)
        return LogEntry(self._key, self._preview_id, COMMIT, type, message, created, 42, service)


class Heard:
    """What a stream says, message by message."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self, kind: str = "log", seconds: float = 10.0) -> Message:
        """The next message of a kind; others are passed over."""
        while True:
            message = await self.socket.receive(timeout=seconds)
            assert message.type is WSMsgType.TEXT, f"it ended: {message}"
            found: Message = json.loads(message.data)
            if found["type"] == kind:
                return found

    async def sequences(self, count: int) -> list[int]:
        """Of the next so many lines."""
        return [(await self.next())["data"]["sequence"] for _ in range(count)]

    async def ended(self) -> tuple[int | None, str]:
        """Why it ends; what it says before is passed over."""
        while (message := await self.socket.receive(timeout=10)).type is WSMsgType.TEXT:
            pass
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED), message
        return self.socket.close_code, str(message.extra or "")


@asynccontextmanager
async def followed(world: World, query: str = "", **arguments: Any) -> AsyncIterator[Heard]:
    """A WebSocket that follows pr-42, with a token that may do all unless other headers are given."""
    headers = arguments.pop("headers", {"Authorization": f"Bearer {world.token()}"})
    async with world.client.ws_connect(f"{STREAM}{query}", headers=headers, **arguments) as socket:
        yield Heard(socket)


async def lines_of(world: World, number: int = 42) -> Lines:
    """A Preview, and who writes its log."""
    preview = await world.made(number)
    assert isinstance(world.api.logs, MemoryStore)
    return Lines(world.api.logs, preview.log_key, preview.slug or "")
