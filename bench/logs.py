"""`logs`: 50 containers that write 200 lines a second each, from their write to a WebSocket frame.

containers ──▶ engine ──▶ operator ──▶ SQLite ──▶ bridge ──▶ one WebSocket per Preview, here
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from statistics import quantiles

from bench.figures import Aim, Amount, Line
from bench.log_bridge import log_bridge
from bench.log_heard import Heard, listening
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
        previews = [f"pr-{number}" for number in range(1, PREVIEWS + 1)]
        heard = await stack.enter_async_context(listening(bridge, previews))
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
    while (got := sum(len(one.late) for one in heard)) < wanted and time.monotonic() < deadline:
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
    """Services that did not come whole."""
    found = [numbers for one in heard for numbers in one.numbers.values()]
    return float(PREVIEWS * SERVICES - sum(numbers == list(range(COUNT)) for numbers in found))


async def _sleep_until(begin: float) -> None:
    await asyncio.sleep(max(0.0, begin - time.time()))
