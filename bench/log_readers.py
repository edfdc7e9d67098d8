"""`log-readers`: 500 WebSocket readers of one log, each line to all of them.

this process ──▶ SQLite ──▶ bridge ──▶ 500 WebSockets, here
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from statistics import quantiles

import aiohttp

from bench.errors import BenchFailed
from bench.figures import Aim, Amount, Line
from bench.log_bridge import Bridge, log_bridge
from bench.world import World, until
from controller.api.names import LogKey
from controller.logs.open import open_store
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Batch, LogStore, StoreSettings

NAMESPACE = "bench-log-readers"
KEY, SLUG = LogKey("acme/bench", "bench"), "pr-1"
READERS, RATE, SECONDS = 500, 20, 30
ENDS_SECONDS = 30.0
P99, LOST = Aim(500, unit=" ms"), Aim(0)


async def log_readers(world: World) -> list[Line]:
    """Lines are written at a steady rate; how late each reader gets each."""
    await world.kubernetes.namespace(NAMESPACE)
    url = f"sqlite:///{world.scratch / 'readers.db'}"
    store = await open_store(StoreSettings(url, writer=True))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        await _write(store, "0")
        bridge = await stack.enter_async_context(log_bridge(world, NAMESPACE, {"LOG_STORE_URL": url}))
        late: list[float] = []
        opened = await stack.enter_async_context(_readers(bridge, late))
        await until(lambda: _all(opened), 60, f"{READERS} readers are connected")
        before = bridge.process.cpu_seconds
        for number in range(1, RATE * SECONDS + 1):
            await _write(store, str(number))
            await asyncio.sleep(1 / RATE)
        wanted = READERS * RATE * SECONDS
        deadline = time.monotonic() + ENDS_SECONDS
        while len(late) < wanted and time.monotonic() < deadline:  # noqa: ASYNC110 - counted, not signalled
            await asyncio.sleep(0.2)
        cpu = (bridge.process.cpu_seconds - before) / SECONDS * 100
    if len(late) < 100:
        raise BenchFailed(f"of {wanted} frames, {len(late)} came")
    cuts = quantiles(late, n=100)
    name = f"{READERS} readers of one log, {RATE} lines/s"
    return [
        Amount(f"{name}: frames missing", (float(wanted - len(late)),), LOST),
        Amount(f"{name}: from write to frame, p99", (cuts[98],), P99, " ms"),
        Amount(f"{name}: from write to frame, median", (cuts[49],), None, " ms"),
        Amount(f"{name}: bridge", (cpu,), None, " % of a core"),
    ]


async def _write(store: LogStore, text: str) -> None:
    entry = LogEntry(KEY, SLUG, "0" * 40, LogType.CONTAINER, f"{text} {time.time():.6f}", datetime.now(UTC))
    await store.append(Batch(f"bench-{text}", (entry,)))


async def _all(opened: list[int]) -> bool:
    return len(opened) == READERS


@asynccontextmanager
async def _readers(bridge: Bridge, late: list[float]) -> AsyncIterator[list[int]]:
    """All readers; the list grows as they are connected."""
    opened: list[int] = []
    url = f"{bridge.stream(SLUG)}?repository={KEY.repository}"

    async def listen(number: int) -> None:
        async with session.ws_connect(url, headers=bridge.headers(number), max_msg_size=0) as socket:
            async for message in socket:
                frame = json.loads(message.data)
                if frame["type"] != "log":
                    continue
                words = frame["data"]["message"].split(" ")
                if words[0] == "0":
                    opened.append(number)
                else:
                    late.append((time.time() - float(words[1])) * 1000)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        tasks = [asyncio.create_task(listen(number)) for number in range(READERS)]
        try:
            yield opened
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
