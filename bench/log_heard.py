"""What a reader of a stream heard: numbered lines with the time at which they were written."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from bench.kubernetes import Object
from bench.log_bridge import Bridge


@dataclass
class Heard:
    """The numbers that came of each service, and how late each line was, in milliseconds."""

    numbers: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    late: list[float] = field(default_factory=list)

    def take(self, frame: Object) -> None:
        """One frame of the stream."""
        now = time.time()
        if frame["type"] != "log" or frame["data"]["type"] != "container":
            return
        words = frame["data"]["message"].split(" ", 2)
        if len(words) == 3 and words[0].isdigit():
            self.numbers[frame["data"]["service"]].append(int(words[0]))
            self.late.append((now - float(words[1])) * 1000)

    @property
    def broken(self) -> int:
        """Services of which a line was lost, came twice or in another order."""
        return sum(
            found != list(range(found[0], found[0] + len(found))) for found in self.numbers.values() if found
        )


@asynccontextmanager
async def listening(bridge: Bridge, previews: Sequence[str], query: str = "") -> AsyncIterator[list[Heard]]:
    """One WebSocket for each preview's log."""
    heard = [Heard() for _ in previews]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=bridge.headers(), connector=connector) as session:
        urls = (f"{bridge.stream(preview)}{query}" for preview in previews)
        pairs = zip(urls, heard, strict=True)
        tasks = [asyncio.create_task(_listen(session, url, one)) for url, one in pairs]
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(session: aiohttp.ClientSession, url: str, heard: Heard) -> None:
    async with session.ws_connect(url, max_msg_size=0) as socket:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                heard.take(json.loads(message.data))
