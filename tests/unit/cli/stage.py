"""The command against the real API, on the cluster's and the store's twins."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cli.__main__ import run
from cli.client import Client, connected
from cli.connection import Connection
from controller.api.names import LogKey
from tests.unit.webhook.rest.log_lines import entry, say
from tests.unit.webhook.rest.world import World


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@dataclass(frozen=True)
class Stage:
    """An API, and a shell."""

    world: World
    capsys: pytest.CaptureFixture[str]

    async def run(self, *arguments: str) -> Ran:
        """Run a command to its end; the API answers meanwhile."""
        code = await asyncio.to_thread(run, arguments, "previewcloud")
        said = self.capsys.readouterr()
        return Ran(code, said.out, said.err)


class Lines:
    """Appends lines to the log of pr-42."""

    def __init__(self, world: World, key: LogKey) -> None:
        self._world = world
        self._key = key
        self.count = 0

    async def say(self, *messages: str, **fields: Any) -> None:
        """Append these."""
        self.count += len(messages)
        await say(self._world, *(entry(self._key, message, **fields) for message in messages))

    async def number(self, count: int) -> None:
        """Append so many; each message is its sequence."""
        await self.say(*(str(self.count + 1 + index) for index in range(count)))


async def lines_of(world: World) -> Lines:
    """A Preview, and who writes its log."""
    return Lines(world, (await world.made()).log_key)


def url_of(world: World) -> str:
    return str(world.client.make_url("")).rstrip("/")


@asynccontextmanager
async def client_of(world: World, port: int | None = None) -> AsyncIterator[Client]:
    """A client with a token that may do all; at another port than the server's where a relay stands."""
    url = f"http://127.0.0.1:{port}" if port else url_of(world)
    async with connected(Connection(url, world.token()), version="test") as client:
        yield client
