"""A whole operator on twins: a real event loop, a clock that the test moves, a cluster that tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from controller import fleet as fleets
from controller.api.names import FINALIZER, PreviewKey
from controller.api.preview import Preview
from controller.cluster.memory import MemoryCluster
from controller.core.reconcile import Reconciler
from controller.core.work import Memory, Outcome, Report
from controller.fleet import Fleet
from controller.lifecycle.protocol import Governing
from controller.reporter import Ears
from controller.routing.table import RouteTable
from controller.watching import Watching
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.core.world import COMMIT_A, FILES, KEY, World

RESYNC = 45.0
SECOND = PreviewKey("default", "pr-2")


class TellingCluster(MemoryCluster):
    """Tells of every change of a Preview, as a watch does."""

    tell: Callable[[str, Mapping[str, object]], None] | None = None

    async def claim(self, preview: Preview, slug: str) -> None:
        await super().claim(preview, slug)
        self.told("MODIFIED", preview.key)

    async def release(self, preview: Preview) -> None:
        body = self.bodies.get(preview.key)
        await super().release(preview)
        if body is not None and preview.key not in self.bodies and self.tell is not None:
            self.tell("DELETED", body)

    async def patch_status(self, preview: Preview, status: Mapping[str, object]) -> None:
        await super().patch_status(preview, status)
        self.told("MODIFIED", preview.key)

    def told(self, kind: str, key: PreviewKey) -> None:
        if self.tell is not None and key in self.bodies:
            self.tell(kind, self.bodies[key])


class Counted(Reconciler):
    """Notes every pass."""

    passes: list[PreviewKey]
    bug: Exception | None = None

    async def _make_true(self, work: Any) -> Outcome:
        if self.bug is not None:
            raise self.bug
        return await super()._make_true(work)

    async def run(self, preview: Preview, slug: str, memory: Memory, report: Report) -> Outcome:
        self.passes.append(preview.key)
        return await super().run(preview, slug, memory, report)


class OperatorWorld(World):
    """A world with a running operator in it."""

    fleet: Fleet
    clock: ManualClock
    cluster: TellingCluster
    reconciler: Counted
    files = FILES
    sweep: Callable[[], Awaitable[object]] | None = None
    resync = RESYNC
    watching = Watching()

    @property
    def life(self) -> Governing:
        """Who decides: here, whoever the world has for it."""
        return self.lifecycle

    def make_cluster(self) -> MemoryCluster:
        return TellingCluster()

    def make_clock(self) -> ManualClock:
        return ManualClock()

    def restart(self) -> None:
        super().restart()
        self.router.table = RouteTable()  # not settled: that is the fleet's to say
        old = self.reconciler
        self.reconciler = Counted(self.backends, old._sources, old._look._rules)
        self.reconciler.passes = []

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Fleet]:
        """A new operator, from its start to its end."""
        self.restart()
        databases = self.backends.databases
        touched = fleets.World(
            self.cluster, self.runtime, databases, self.router, self.clock, self.life, self.resync, self.sweep
        )
        self.fleet = Fleet(
            self.reconciler, touched, Ears(self.sink, self.clock, self.on_action, watching=self.watching)
        )
        self.cluster.tell = self.fleet.see
        await self.fleet.start()
        try:
            await drain()
            yield self.fleet
        finally:
            self.cluster.tell = None
            await self.fleet.stop()

    def apply(self, commit: str = COMMIT_A, name: str = "pr-1", **spec: Any) -> PreviewKey:
        key = super().apply(commit, name, **spec)
        self.cluster.told("MODIFIED", key)
        return key

    def delete(self, key: PreviewKey = KEY) -> None:
        body = self.cluster.bodies[key]
        super().delete(key)
        if key in self.cluster.bodies:
            self.cluster.told("MODIFIED", key)
        elif self.cluster.tell is not None:
            self.cluster.tell("DELETED", body)

    def annotate(self, name: str, value: str, key: PreviewKey = KEY) -> None:
        self.cluster.bodies[key]["metadata"].setdefault("annotations", {})[f"previewcloud.io/{name}"] = value
        self.cluster.told("MODIFIED", key)

    def wipe(self, key: PreviewKey = KEY) -> None:
        """Somebody takes the finalizer off by hand, and the object is gone."""
        body = self.cluster.bodies.pop(key)
        finalizers = body["metadata"].get("finalizers", [])
        body["metadata"]["finalizers"] = [name for name in finalizers if name != FINALIZER]
        if self.cluster.tell is not None:
            self.cluster.tell("DELETED", body)

    async def pass_time(self, seconds: float = 3.0) -> None:
        await self.clock.advance(seconds)

    async def served(self, commit: str = COMMIT_A, key: PreviewKey = KEY) -> None:
        """Wait until a commit is being served."""
        for _ in range(30):
            await self.pass_time(1)
            if key in self.cluster.bodies and self.read(key).status.commit == commit:
                return
        raise AssertionError(f"{key} is {self.told(key) if key in self.cluster.bodies else 'gone'}")


async def two(world: OperatorWorld) -> None:
    """Two previews that are served, and an operator that has gone again."""
    world.apply()
    world.apply(name="pr-2", source={"pullRequest": 2})
    async with world.operator():
        await world.served()
        await world.served(key=SECOND)
        await world.pass_time(60)
