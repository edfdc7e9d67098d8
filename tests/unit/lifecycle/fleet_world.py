"""The real operator on twins, with the real governor and the real sweep, on a clock that only the test moves.

creator: open, push, close │ visitor ─▶ the route's instance, or the bridge's part: a wish to wake
time passes ─▶ looks at visits, decisions, passes, sweeps ─▶ what is there
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from controller.api.holdings import Holding
from controller.api.names import WAKE, PreviewKey
from controller.api.status import Phase, PreviewStatus
from controller.fleet import Fleet
from controller.lifecycle.governor import Governor
from controller.lifecycle.memory import MemoryAccess
from controller.lifecycle.orphans import Scope
from controller.lifecycle.protocol import Governing
from controller.lifecycle.rules import LifecycleRules
from controller.lifecycle.sweep import Keeper, Sweeper, Terms
from controller.metrics import Metrics
from controller.runtime.protocol import InstanceState
from tests.unit.controller.operator_world import OperatorWorld
from tests.unit.core.world import COMMIT_A, COMMIT_B, World
from tests.unit.lifecycle.swift_clock import SwiftClock

ACCESS_SECONDS = 600.0
SWEEP_SECONDS, GRACE_SECONDS = 1800.0, 600.0
LONE = b"services: {web: {dockerfile: Dockerfile, context: web, port: 8080}}"
STORED = LONE + b"\ndatabase: {type: postgres, migrations: ./migrations}\n"
REST = {"web/Dockerfile": b"FROM x\n", "migrations/001_items.sql": b"create table items ();\n"}
CHANGING, STORING = "blue/site", "blue/shop"
"""Two repositories: one without, one with a database."""
ONE_PASS = 15.0
"""Seconds that a pass takes here at most, when it stops something."""


class Stretch:
    """For how long something was so, at most, in a row."""

    def __init__(self, clock: SwiftClock, so: Callable[[], bool]) -> None:
        self.longest = 0.0
        self._clock = clock
        self._so = so
        self._since: float | None = None
        clock.watchers.append(self._look)

    def _look(self) -> None:
        if not self._so():
            self._since = None
            return
        self._since = self._clock.seconds if self._since is None else self._since
        self.longest = max(self.longest, self._clock.seconds - self._since)


class LifeWorld(OperatorWorld):
    """A world in which the governor decides.

    Args:
        rules: by which.
        neighbour: another installation's, on the same engine and the same database server.
    """

    clock: SwiftClock
    governor: Governor
    resync = 900.0

    def __init__(self, rules: LifecycleRules, neighbour: World | None = None) -> None:
        self.rules = rules
        self.access = MemoryAccess()
        self.metrics = Metrics("1.2.3")
        self.uids = Counter[str]()
        super().__init__(neighbour)
        for repository, file in ((CHANGING, LONE), (STORING, STORED)):
            for commit in (COMMIT_A, COMMIT_B):
                self.source.add(repository, commit, {"preview.yaml": file, **REST})

    @property
    def life(self) -> Governing:
        return self.governor

    def make_clock(self) -> SwiftClock:
        return SwiftClock()

    def restart(self) -> None:
        self.governor = Governor(self.rules, self.clock, self.access, ACCESS_SECONDS, self.metrics.lives)
        self.lifecycle = self.governor  # type: ignore[assignment]
        super().restart()

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Fleet]:
        """A new operator that also sweeps."""
        terms = Terms(Scope(self.installation), SWEEP_SECONDS, GRACE_SECONDS)
        keepers: dict[str, Keeper] = {"engine": self.runtime, "postgres": self.postgres}
        sweeping = asyncio.create_task(Sweeper(self.cluster, keepers, self.clock, terms).run())
        try:
            async with super().operator() as fleet:
                yield fleet
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)

    # What people do.

    def open(
        self, number: int, commit: str = COMMIT_A, repository: str = CHANGING, **spec: Any
    ) -> PreviewKey:
        """Open a pull request, or push to it."""
        name = f"pr-{number}"
        key = PreviewKey("default", name)
        new = key not in self.cluster.bodies
        if new:
            self.uids[name] += 1
        source = {"pullRequest": number, "repository": repository}
        World.apply(self, commit, name, source=source, **spec)
        if new:
            metadata = self.cluster.bodies[key]["metadata"]
            metadata["uid"] = f"{name}-{self.uids[name]}"
            metadata["creationTimestamp"] = _text(self.clock.now())
        self.cluster.told("MODIFIED", key)
        return key

    def wish_now(self, key: PreviewKey, annotation: str) -> None:
        """Annotate it with the time."""
        self.annotate(annotation.partition("/")[2], _text(self.clock.now()), key)

    def visit(self, key: PreviewKey) -> bool:
        """Open its address: the instance answers, or the bridge has it woken; whether somebody answered."""
        entry = self.router.table.entry(key)
        if entry is not None and all(route.instance is not None for route in entry.routes):
            self.access.visits[entry.routes[0].router] += 1
            return True
        if self.status(key).phase is Phase.SLEEPING:
            self.wish_now(key, WAKE)
        return False

    # What is there.

    def status(self, key: PreviewKey) -> PreviewStatus:
        """What its status says."""
        return self.read(key).status

    def phases(self) -> dict[str, str]:
        """Of every preview, its phase."""
        return {key.name: str(self.status(key).phase) for key in sorted(self.cluster.bodies)}

    def in_phase(self, phase: Phase) -> list[PreviewKey]:
        """All in one phase."""
        return [key for key in self.cluster.bodies if self.status(key).phase is phase]

    def running(self) -> set[PreviewKey]:
        """Of which a container runs."""
        return {
            each.spec.preview
            for each in self.runtime.engine.containers.values()
            if each.installation == self.installation
            and each.spec is not None
            and each.state is InstanceState.RUNNING
        }

    async def held(self, lost: Iterable[PreviewKey] = ()) -> dict[PreviewKey, list[Holding]]:
        """Everything of ours that is somewhere, by preview; but for what another one, there or lost, uses."""
        users = {*self.cluster.bodies, *lost}
        found: dict[PreviewKey, list[Holding]] = {}
        cluster = [one for one in await self.cluster.holdings() if one.preview is not None]
        others = [*await self.runtime.holdings(), *await self.postgres.holdings()]
        for one in [*cluster, *(each for each in others if each.installation == self.installation)]:
            if one.preview is not None and not users & {*one.shared} - {one.preview}:
                found.setdefault(one.preview, []).append(one)
        return found

    async def pass_hours(self, hours: float) -> None:
        """Let hours pass."""
        await self.clock.advance(timedelta(hours=hours).total_seconds())


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
