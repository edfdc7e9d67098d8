"""Logs with something in them, for the tests of what is answered of them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.logs.memory import MemoryStore
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import EVERYTHING, FIRST_PAGE, Batch, Filter, Line, Page
from tests.unit.webhook.rest.world import BEGIN, COMMIT, World


def entry(key: LogKey, message: str, **changes: Any) -> LogEntry:
    """An entry of a container, unless a change says otherwise."""
    fields: dict[str, Any] = {
        "key": key,
        "preview_id": "pr-42",
        "commit": COMMIT,
        "type": LogType.CONTAINER,
        "message": message,
        "created_at": BEGIN,
        "pr_number": 42,
        **changes,
    }
    return LogEntry(**fields)


async def say(world: World, *entries: LogEntry) -> None:
    """Store them."""
    await world.api.logs.append(Batch(secrets.token_hex(8), entries))


async def say_many(world: World, key: LogKey, count: int) -> None:
    """Lines `line 1` up to `line <count>`, a second apart."""
    await say(
        world,
        *(entry(key, f"line {n}", created_at=BEGIN + timedelta(seconds=n)) for n in range(1, count + 1)),
    )


async def answered(world: World, path: str, token: str = "") -> Any:
    """The JSON of a success."""
    response = await world.ask("GET", path, token)
    assert response.status == 200, await response.text()
    return await response.json()


async def messages(world: World, query: str = "", preview_id: str = "pr-42") -> list[str]:
    """The messages of the newest entries that a query finds."""
    found = await answered(world, f"/api/previews/{preview_id}/logs{query}")
    return [each["message"] for each in found["data"]]


async def failed(world: World, path: str, token: str = "") -> tuple[int, str]:
    """Status and code of a failure."""
    response = await world.ask("GET", path, token)
    body = await response.json()
    assert body["success"] is False
    return response.status, body["error"]["code"]


class FailingStore(MemoryStore):
    """A store that fails once so many pages were read."""

    def __init__(self, pages: int, failure: Exception | None = None) -> None:
        super().__init__()
        self.pages = pages
        self._failure = failure or BackendUnavailable("LogStoreUnavailable", "The store went\naway.")

    async def read(
        self, key: LogKey, where: Filter = EVERYTHING, page: Page = FIRST_PAGE
    ) -> tuple[Line, ...]:
        """As the twin does, so many times."""
        if not self.pages:
            raise self._failure
        self.pages -= 1
        return await super().read(key, where, page)


class GrowingStore(MemoryStore):
    """A store into which somebody writes a line whenever it is read."""

    async def read(
        self, key: LogKey, where: Filter = EVERYTHING, page: Page = FIRST_PAGE
    ) -> tuple[Line, ...]:
        """As the twin does; the log has grown afterwards."""
        found = await super().read(key, where, page)
        await self.append(Batch(secrets.token_hex(8), (entry(key, "late"),)))
        return found
