"""`log-flood` and `log-quiet`: many containers of an engine that is played, so that it costs little.

stand-in ──▶ the operator's log half ──▶ SQLite ──▶ bridge ──▶ WebSockets, here
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles

from bench.errors import BenchFailed
from bench.figures import Aim, Amount, Line
from bench.log_bridge import log_bridge
from bench.log_heard import listening
from bench.operator import Process, process
from bench.world import World

NAMESPACE = "bench-log-engine"
INSTALLATION = "standin"
WRITING, RATE, SECONDS = 50, 200, 60
QUIET, SETTLES_SECONDS, WATCHED_SECONDS = 1000, 20.0, 60.0
SHORT = 0.95
"""Of what should come in the time, at least; the ends are cut by the second."""
P99, BROKEN = Aim(250, unit=" ms"), Aim(0)
GROWTH, CORE = Aim(50, unit=" MB"), Aim(1, unit=" %")


@dataclass(frozen=True)
class Half:
    """The operator's half under measurement, and the settings that it shares with the bridge."""

    process: Process
    settings: Mapping[str, str]


async def log_flood(world: World) -> list[Line]:
    """50 containers, 200 lines a second each, to 50 WebSockets."""
    await world.kubernetes.namespace(NAMESPACE)
    async with AsyncExitStack() as stack:
        half = await stack.enter_async_context(_half(world, WRITING, RATE))
        bridge = await stack.enter_async_context(log_bridge(world, NAMESPACE, half.settings))
        await asyncio.sleep(5)
        previews = [f"pr-{number}" for number in range(WRITING)]
        heard = await stack.enter_async_context(listening(bridge, previews, "?repository=acme/shop"))
        await asyncio.sleep(5)
        before = half.process.cpu_seconds, bridge.process.cpu_seconds
        for one in heard:
            one.late.clear()
        await asyncio.sleep(SECONDS)
        used = half.process.cpu_seconds - before[0], bridge.process.cpu_seconds - before[1]
        late = [each for one in heard for each in one.late]
        broken = sum(one.broken for one in heard) + sum(not one.numbers for one in heard)
    wanted = WRITING * RATE * SECONDS
    if len(late) < wanted * SHORT:
        raise BenchFailed(f"of {wanted:,} lines, {len(late):,} came in {SECONDS} s")
    cuts = quantiles(late, n=100)
    name = f"{WRITING} containers, {RATE} lines/s each for {SECONDS} s, engine played"
    return [
        Amount(f"{name}: containers with a line lost, doubled or misplaced", (float(broken),), BROKEN),
        Amount(f"{name}: from write to frame, p99", (cuts[98],), P99, " ms"),
        Amount(f"{name}: from write to frame, median", (cuts[49],), None, " ms"),
        Amount("operator's log half, CPU per 1,000 lines", (used[0] / len(late) * 1e6,), None, " ms"),
        Amount("bridge, CPU per 1,000 lines", (used[1] / len(late) * 1e6,), None, " ms"),
    ]


async def log_quiet(world: World) -> list[Line]:
    """1,000 containers that say nothing are followed."""
    async with _half(world, 0, 0) as none:
        await asyncio.sleep(SETTLES_SECONDS)
        before = none.process.memory_mb
    async with _half(world, QUIET, 0) as half:
        await asyncio.sleep(SETTLES_SECONDS)
        grown, used = half.process.memory_mb - before, half.process.cpu_seconds
        await asyncio.sleep(WATCHED_SECONDS)
        cpu = (half.process.cpu_seconds - used) / WATCHED_SECONDS * 100
    name = f"{QUIET:,} quiet containers followed"
    return [
        Amount(f"{name}: memory that this takes", (grown,), GROWTH, " MB"),
        Amount(f"{name}: CPU", (cpu,), CORE, " % of a core"),
    ]


@asynccontextmanager
async def _half(world: World, containers: int, rate: int) -> AsyncIterator[Half]:
    name = f"engine-{containers}-{rate}"
    socket = world.scratch / f"{name}.sock"
    shared = {"LOG_STORE_URL": f"sqlite:///{world.scratch / f'{name}.db'}"}
    settings = {
        **shared,
        "DOCKER_HOST": f"unix://{socket}",
        "INSTALLATION_ID": INSTALLATION,
        "LOG_RATE": "100000",
    }
    command = (sys.executable, "-m", "tests.standin.engine", "--socket", str(socket))
    played = (*command, "--containers", str(containers), "--rate", str(rate))
    ours = (sys.executable, "-m", "bench.log_operator")
    async with process(world, name, played, {}):
        while not socket.exists():  # noqa: ASYNC110 - a file says nothing
            await asyncio.sleep(0.1)
        async with process(world, f"half-of-{name}", ours, settings) as running:
            yield Half(running, shared)
