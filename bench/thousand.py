"""`thousand`: 1,000 Previews on the in-memory runtime, created against a bare operator, then idle."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bench.errors import BenchFailed
from bench.figures import Aim, Amount, Line, Pair, Ratio
from bench.kubernetes import CONNECTIONS
from bench.operator import Process, is_ready, operator, process, remove_all, warm_up
from bench.previews import preview
from bench.world import World

COUNT, PAIRS = 1000, 3
NAMESPACE = "bench-thousand"
SECONDS = 240.0
SETTLE_SECONDS, IDLE_SECONDS, IDLE_WINDOWS = 55.0, 30.0, 3
IMAGE = "example.com/service:1"
RATE, PATCHES, CPU, MEMORY = Aim(0.8, at_least=True), Aim(4), Aim(1, unit=" %"), Aim(200, unit=" MB")


async def thousand(world: World) -> list[Line]:
    """The rates in turn; idle cost is measured where the operator has its thousand."""
    await world.kubernetes.namespace(NAMESPACE)
    pairs: list[Pair] = []
    patches: list[float] = []
    idle: list[Line] = []
    for number in range(PAIRS):
        async with ours(world) as running:
            before = await world.kubernetes.patches("previews")
            rate = await _rate(world, running)
            if number == PAIRS - 1:
                idle = await _idle(running)
            patches.append((await world.kubernetes.patches("previews") - before) / COUNT)
            await remove_all(world, NAMESPACE)
        async with bare(world) as running:
            pairs.append(Pair(rate, await _rate(world, running)))
            await remove_all(world, NAMESPACE)
        world.progress.say(f"        {pairs[-1].ours:.0f} per second against {pairs[-1].theirs:.0f}")
    return [
        Ratio(f"{COUNT:,} Previews, rate", "PreviewCloud", "bare kopf", tuple(pairs), RATE, "/s"),
        Amount("PATCH requests for each", tuple(patches), PATCHES),
        *idle,
    ]


def ours(world: World) -> AbstractAsyncContextManager[Process]:
    """PreviewCloud's operator on the in-memory runtime."""
    return operator(
        world, IMAGE, {"RUNTIME": "memory", "LOG_STORE_URL": f"sqlite:///{world.scratch / 'logs.db'}"}
    )


@asynccontextmanager
async def bare(world: World) -> AsyncIterator[Process]:
    """The bare operator, warmed up like ours."""
    async with process(world, "bare", (sys.executable, "-m", "bench.bare"), {}) as running:
        await warm_up(world, IMAGE, running, is_ready)
        yield running


async def _rate(world: World, running: Process) -> float:
    """Previews per second, from the first creation to the last that is ready."""
    _, version = await world.kubernetes.previews(NAMESPACE)
    watching = asyncio.create_task(_all_ready(world, version))
    began = time.perf_counter()
    try:
        numbers = iter(range(1, COUNT + 1))

        async def create() -> None:
            for number in numbers:
                await world.kubernetes.create(preview(NAMESPACE, number, {"web": IMAGE}))

        await asyncio.gather(*(create() for _ in range(CONNECTIONS // 2)))
        async with asyncio.timeout(SECONDS):
            await watching
    except TimeoutError:
        running.check()
        raise BenchFailed(f"{running.name}: not all {COUNT} were ready after {SECONDS:g} s") from None
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return COUNT / (time.perf_counter() - began)


async def _all_ready(world: World, version: str) -> None:
    ready: set[str] = set()
    async for found in world.kubernetes.watch(NAMESPACE, version):
        if is_ready(found):
            ready.add(found["metadata"]["name"])
        if len(ready) == COUNT:
            return
    raise BenchFailed("the API server ended the watch before all Previews were ready")


async def _idle(running: Process) -> list[Line]:
    """CPU and memory while nothing happens, once a survey has looked at what was new; others follow."""
    await asyncio.sleep(SETTLE_SECONDS)
    cpu: list[float] = []
    memory: list[float] = []
    for _ in range(IDLE_WINDOWS):
        began, used = time.perf_counter(), running.cpu_seconds
        await asyncio.sleep(IDLE_SECONDS)
        cpu.append(100 * (running.cpu_seconds - used) / (time.perf_counter() - began))
        memory.append(running.memory_mb)
    running.check()
    return [
        Amount(f"idle with {COUNT:,}, CPU of one core", tuple(cpu), CPU, " %"),
        Amount(f"idle with {COUNT:,}, resident memory", tuple(memory), MEMORY, " MB"),
    ]
