"""What containers use, read from one Docker engine: a list of those that run, then one look at each.

    list ──▶ ids ──▶ stats, one shot, many side by side ──▶ Sample

Nothing is followed: a stream for each container would have the engine measure all of them every second. With
`one-shot` a newer engine answers at once. Docker 20.10 answers at the next tick of its collector, once a
second, and at each tick measures all that anybody waits for: 60 containers side by side take it 1.2 s and
0.15 s of CPU, sixteen at a time four times as long and six times as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from pydantic import Field

from controller.api.errors import PreviewError
from controller.clock import Clock
from controller.runtime.docker import wire
from controller.runtime.docker.errors import translated
from controller.runtime.docker.labels import JOB, SERVICE, SLUG, preview_of, selector
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused, filters
from controller.runtime.usage import Sample

TOGETHER = 256
"""How many are looked at side by side."""
STATS_SECONDS = 20.0
NANOSECONDS = 1e9
GONE = (404, 409)


class CpuTime(wire.Wire):
    """`cpu_usage`."""

    total: int = Field(default=0, alias="total_usage")
    """Nanoseconds."""


class CpuStats(wire.Wire):
    """`cpu_stats`."""

    usage: CpuTime = Field(default_factory=CpuTime, alias="cpu_usage")


class MemoryStats(wire.Wire):
    """`memory_stats`; empty where the container does not run."""

    usage: int = 0
    limit: int = 0
    stats: Mapping[str, int] = Field(default_factory=dict)


class Stats(wire.Wire):
    """GET /containers/x/stats."""

    cpu: CpuStats = Field(default_factory=CpuStats, alias="cpu_stats")
    memory: MemoryStats = Field(default_factory=MemoryStats, alias="memory_stats")


class DockerUsage:
    """Implements `UsageSource` over a Docker engine.

    Args:
        client: the engine; closed by whoever made it.
        installation: whose containers are measured.
        clock: stamps the samples.
        together: how many are looked at side by side.
    """

    def __init__(
        self, client: EngineClient, installation: str, clock: Clock, together: int = TOGETHER
    ) -> None:
        self._client = client
        self._installation = installation
        self._clock = clock
        self._together = together

    async def sample(self) -> tuple[Sample, ...]:
        """See UsageSource.sample."""
        with translated("What containers use"):
            query = filters(label=selector(self._installation), status=["running"])
            raw = await self._client.get("/containers/json", filters=query)
            rows = wire.CONTAINERS.validate_json(raw)
        waiting = iter([row for row in rows if JOB not in row.labels and self._ours(row)])
        found: list[Sample] = []
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._together, len(rows))):
                    group.create_task(self._look(waiting, found))
        except* PreviewError as failed:
            raise failed.exceptions[0] from None
        return tuple(found)

    def _ours(self, row: wire.ContainerSummary) -> bool:
        return preview_of(row.labels, self._installation) is not None and bool(row.labels.get(SERVICE))

    async def _look(self, waiting: Iterator[wire.ContainerSummary], found: list[Sample]) -> None:
        for row in waiting:
            with translated(f"Container {row.id[:12]}"):
                stats = await self._stats(row.id)
            if stats is not None:
                found.append(_sample(row, stats, self._clock.monotonic()))

    async def _stats(self, identity: str) -> Stats | None:
        """One container's measurements; None when it is gone, or does not run any more."""
        query: dict[str, str | int] = {"stream": "false", "one-shot": "true"}
        call = Call("GET", f"/containers/{identity}/stats", query, timeout_seconds=STATS_SECONDS)
        # Opened like a stream, because who waits for the collector must not hold a place for short calls.
        try:
            async with self._client.open(call) as response:
                chunks = [chunk async for chunk in self._client.chunks(response)]
            stats = Stats.model_validate_json(b"".join(chunks))
        except EngineRefused as error:
            if error.status in GONE:
                return None
            raise
        return stats if stats.memory.usage else None


def held(memory: MemoryStats) -> int:
    """The bytes that `docker stats` shows: without files that were not used lately, which the kernel takes
    back before it has to.

    The first name is that of control groups v1, with those below counted in; the second that of v2.
    """
    for name in ("total_inactive_file", "inactive_file"):
        if name in memory.stats:
            inactive = memory.stats[name]
            return memory.usage - inactive if inactive < memory.usage else memory.usage
    return memory.usage


def _sample(row: wire.ContainerSummary, stats: Stats, at: float) -> Sample:
    return Sample(
        identity=row.id,
        slug=row.labels.get(SLUG, ""),
        service=row.labels[SERVICE],
        at=at,
        cpu_seconds=stats.cpu.usage.total / NANOSECONDS,
        memory_bytes=held(stats.memory),
        memory_limit_bytes=stats.memory.limit,
    )
