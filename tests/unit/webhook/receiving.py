"""A receiver on a real server on loopback, and what it did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from structlog.testing import capture_logs

from tests.unit.webhook import payloads
from tests.unit.webhook.payloads import SECRET, encoded, signed
from webhook.github.delivery import Delivery, Secrets
from webhook.receive import Answer, Receiver

PATH = "/api/webhooks/github"
MIB = 1024 * 1024
LIMIT = 25 * MIB
DEADLINE = 10.0
CURRENT = Secrets(SECRET.encode())
ACCEPTED = Answer("accepted", "", "It is being looked at.")
UNCHANGED = Answer("ignored", "Unchanged", "The Preview is at this commit already.")
GOOD = encoded(payloads.pull_request("synchronize", before="a" * 40))
MARK = "said-in-confidence"


@dataclass
class Bridge:
    """A running receiver and what it did."""

    secrets: Secrets = CURRENT
    limit: int = LIMIT
    seconds: float = DEADLINE
    answer: Answer = ACCEPTED
    taken: list[Delivery] = field(default_factory=list)
    counted: list[tuple[str, str]] = field(default_factory=list)
    log: list[Any] = field(default_factory=list)
    runner: web.AppRunner = field(init=False)
    session: aiohttp.ClientSession = field(init=False)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post(
            PATH, Receiver(lambda: self.secrets, self.limit, self._take, self._count, self.seconds).post
        )
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def stop(self) -> None:
        await self.session.close()
        await self.runner.cleanup()

    @property
    def port(self) -> int:
        return int(self.runner.addresses[0][1])

    def _count(self, event: str, result: str) -> None:
        self.counted.append((event, result))

    def _take(self, delivery: Delivery) -> Answer:
        self.taken.append(delivery)
        return self.answer

    async def post(self, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        async with self.session.post(
            f"http://127.0.0.1:{self.port}{PATH}", data=body, headers=headers
        ) as answer:
            assert answer.content_type == "application/json"
            return answer.status, await answer.json()

    async def deliver(self, payload: object, event: str = "pull_request") -> tuple[int, Any]:
        sent = encoded(payload)
        return await self.post(sent, signed(sent, event=event))

    async def connect(self, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which a delivery's headers were sent, and nothing of its body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = (f"POST {PATH} HTTP/1.1", "Host: bridge", *headers, "", "")
        writer.write("\r\n".join(lines).encode())
        return reader, writer

    async def still_answers(self) -> None:
        """A good delivery is still taken, and the last line of the log is its own."""
        assert (await self.post(GOOD, signed(GOOD)))[0] == 202
        assert self.taken[-1].name == "pull_request"


async def running(one: Bridge) -> AsyncIterator[Bridge]:
    await one.start()
    try:
        with capture_logs() as log:
            one.log = log
            yield one
    finally:
        await one.stop()


async def answered(reader: asyncio.StreamReader) -> tuple[int, Any]:
    """The status and body of an answer after which the connection is closed."""
    async with asyncio.timeout(DEADLINE):
        raw = await reader.read()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body)


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if met():
                return
            await asyncio.sleep(0.005)
