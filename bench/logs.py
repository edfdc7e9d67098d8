"""`logs`: 50 containers that write 200 lines a second each, from their write to a WebSocket frame.

containers ──▶ engine ──▶ operator ──▶ SQLite ──▶ bridge ──▶ one WebSocket per Preview, here
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import aiohttp

from bench.figures import Aim, Amount, Line
from bench.kubernetes import Object
from bench.log_bridge import Bridge, log_bridge
from bench.operator import Process, is_ready, operator, remove_all
from bench.previews import preview
from bench.tools import service_image
from bench.world import World, until

NAMESPACE = "bench-logs"
PREVIEWS, SERVICES, RATE, SECONDS = 5, 10, 200, 60
COUNT = RATE * SECONDS
BEGINS_SECONDS = 90.0
"""Until the first line: by then all containers are up."""
ENDS_SECONDS = 60.0
QUIET = {"resources": {"cpu": "100m", "memory": "32Mi"}}
LOST, P99 = Aim(0), Aim(250, unit=" ms")


@dataclass
class Heard:
    """What one reader got: the numbers of each service, and how late each line came, in milliseconds."""

    numbers: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    late: list[float] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many came."""
        return len(self.late)

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
    def wrong(self) -> int:
        """Lines that did not come, came twice or in another order."""
        wanted = list(range(COUNT))
        return sum(found != wanted for found in self.numbers.values()) + SERVICES - len(self.numbers)


async def logs(world: World) -> list[Line]:
    """All lines of all containers arrive, in time."""
    image = await service_image(world)
    await world.kubernetes.namespace(NAMESPACE)
    store = {"LOG_STORE_URL": f"sqlite:///{world.scratch / 'logs.db'}"}
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(operator(world, image, store))
        bridge = await stack.enter_async_context(log_bridge(world, NAMESPACE, store))
        await remove_all(world, NAMESPACE)  # what a run that was cut off left
        stack.push_async_callback(remove_all, world, NAMESPACE)
        begin = await _begun(world, image)
        heard = await stack.enter_async_context(_readers(bridge))
        await _sleep_until(begin)
        return await _measured(world, heard, running, bridge.process)


async def _begun(world: World, image: str) -> float:
    """Make the Previews, and wait until all containers are up; gives the time of their first line."""
    begin = time.time() + BEGINS_SECONDS
    env = {"START": f"{begin:.3f}", "RATE": str(RATE), "COUNT": str(COUNT)}
    for number in range(1, PREVIEWS + 1):
        made = preview(NAMESPACE, number, {f"s{each}": image for each in range(SERVICES)})
        made["spec"]["env"] = [{"name": name, "value": value} for name, value in env.items()]
        for service in made["spec"]["services"]:
            service |= {"command": ["perl", "/writer.pl"], **QUIET}
        await world.kubernetes.create(made)

    async def ready() -> bool:
        found, _ = await world.kubernetes.previews(NAMESPACE)
        return len(found) == PREVIEWS and all(map(is_ready, found))

    await until(ready, BEGINS_SECONDS - 5, "all containers are up before their first line")
    return begin


async def _measured(world: World, heard: list[Heard], operator: Process, bridge: Process) -> list[Line]:
    before = operator.cpu_seconds, bridge.cpu_seconds
    wanted = PREVIEWS * SERVICES * COUNT
    deadline = time.monotonic() + SECONDS + ENDS_SECONDS
    while (got := sum(one.lines for one in heard)) < wanted and time.monotonic() < deadline:
        world.progress.say(f"        {got:,} of {wanted:,} lines")
        await asyncio.sleep(5)
    late = [each for one in heard for each in one.late]
    used = operator.cpu_seconds - before[0], bridge.cpu_seconds - before[1]
    cuts = quantiles(late, n=100)
    thousand = max(1, len(late)) / 1000
    name = f"{PREVIEWS * SERVICES} containers, {RATE} lines/s each for {SECONDS} s"
    return [
        Amount(f"{name}: lines missing", (float(wanted - len(late)),), LOST),
        Amount(f"{name}: services with a line lost, doubled or misplaced", (_wrong(heard),), LOST),
        Amount(f"{name}: from write to frame, p99", (cuts[98],), P99, " ms"),
        Amount(f"{name}: from write to frame, median", (cuts[49],), None, " ms"),
        Amount("operator, CPU per 1,000 lines", (used[0] / thousand * 1000,), None, " ms"),
        Amount("bridge, CPU per 1,000 lines", (used[1] / thousand * 1000,), None, " ms"),
    ]


def _wrong(heard: list[Heard]) -> float:
    return float(sum(one.wrong for one in heard))


@asynccontextmanager
async def _readers(bridge: Bridge) -> AsyncIterator[list[Heard]]:
    """One WebSocket per Preview."""
    heard = [Heard() for _ in range(PREVIEWS)]
    async with aiohttp.ClientSession(headers=bridge.headers()) as session:
        tasks = [
            asyncio.create_task(_listen(session, bridge.stream(f"pr-{number}"), one))
            for number, one in enumerate(heard, 1)
        ]
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(session: aiohttp.ClientSession, url: str, heard: Heard) -> None:
    async with session.ws_connect(url, max_msg_size=0) as socket:
        async for message in socket:
            heard.take(json.loads(message.data))


async def _sleep_until(begin: float) -> None:
    await asyncio.sleep(max(0.0, begin - time.time()))
