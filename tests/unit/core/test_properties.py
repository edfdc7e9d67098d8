"""Whatever happens in whatever order: it converges, what serves stays, nothing of it is left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.api.errors import PreviewError
from controller.api.names import WAKE, PreviewKey
from controller.api.status import Phase
from controller.build.memory import BuildOutcome
from controller.build.protocol import BuildRequest
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.core.plan import RUNS
from controller.lifecycle.protocol import Course
from controller.runtime.memory_model import CRASHES, NEVER_LISTENS
from tests.unit.core.world import FILES, World

LONE = b"services: {web: {dockerfile: Dockerfile, context: web, port: 8080}}"
GOOD = {
    "a": FILES,
    "b": {**FILES, "migrations/002_more.sql": b"create table more ();\n"},
    "c": {**FILES, "preview.yaml": LONE},
}
BROKEN = {
    "1": {**FILES, "preview.yaml": b"services: {web: {prot: 1}}"},
    "2": {**FILES, "migrations/003_bad.sql": b"FAIL\n"},
    "3": FILES,
    "4": FILES,
    "5": FILES,
}
OUTCOMES = {
    "3": BuildOutcome(failed=True, lines=("no such command",)),
    "4": BuildOutcome(behaviour=CRASHES),
    "5": BuildOutcome(behaviour=NEVER_LISTENS),
}
SOURCES: dict[str, dict[str, Any]] = {
    "pr-1": {"repository": "acme/shop", "pullRequest": 1},
    "pr-2": {"repository": "acme/shop", "pullRequest": 2},
    "blue-1": {"repository": "blue/shop", "pullRequest": 1},
    "main": {"repository": "acme/shop", "pullRequest": None, "branch": "main"},
}
BACKENDS = ("engine", "postgres", "cluster", "source", "router")

names = st.sampled_from(sorted(SOURCES))
steps = st.one_of(
    st.tuples(st.just("apply"), names, st.sampled_from(sorted(GOOD))),
    st.tuples(st.just("apply"), names, st.sampled_from(sorted(GOOD))),
    st.tuples(st.just("apply"), names, st.sampled_from(sorted(BROKEN))),
    st.tuples(st.sampled_from(["kill", "remove"]), names, st.integers(0, 3)),
    st.tuples(st.sampled_from(["network", "database", "delete", "restart"]), names, st.just(0)),
    st.tuples(st.just("outage"), names, st.sampled_from(BACKENDS)),
    st.tuples(
        st.just("course"), names, st.sampled_from([Course.SLEEP, Course.EXPIRE, Course.QUEUE, Course.RUN])
    ),
    st.tuples(st.just("course"), names, st.sampled_from([Course.SLEEP, Course.RUN])),
)


@dataclass(frozen=True)
class Shown:
    """What the world sees of one preview."""

    routes: frozenset[tuple[str, str | None]]
    ready: bool


class Play:
    """A world in which steps happen, with the invariants that hold at every moment."""

    def __init__(self) -> None:
        self.neighbour = World()
        self.world = World(self.neighbour)
        self.world.builder.outcome = self._outcome
        for commit, files in {**GOOD, **BROKEN}.items():
            for repository in ("acme/shop", "blue/shop"):
                self.world.source.add(repository, commit * 40, files)
        self.wishes = 0
        self.seen: dict[tuple[PreviewKey, str], set[str]] = {}
        """The instances that every host led to while they were ready."""
        self.world.on_action = self._watch

    def _outcome(self, request: BuildRequest) -> BuildOutcome:
        return OUTCOMES.get(request.commit[0], BuildOutcome())

    async def _watch(self, action: Action, moment: Moment) -> None:
        self.check_routes()

    def check_routes(self) -> None:
        """No host leads to a dead instance while one that it led to before is still well."""
        runtime = self.world.runtime
        for key in self.world.cluster.bodies:
            entry = self.world.router.table.entry(key)
            for route in entry.routes if entry else ():
                if route.instance is None:
                    continue
                good = self.seen.setdefault((key, route.host), set())
                if runtime.ready(route.instance):
                    good.add(route.instance)
                else:
                    assert not any(runtime.ready(name) for name in good), f"{route} while {good} are there"

    def shown(self, key: PreviewKey) -> Shown:
        entry = self.world.router.table.entry(key)
        routes = frozenset((r.host, r.instance) for r in entry.routes) if entry else frozenset()
        instances = [name for _, name in routes if name is not None]
        return Shown(routes, bool(instances) and all(self.world.runtime.ready(name) for name in instances))

    def instances(self, key: PreviewKey) -> list[str]:
        containers, _ = self.world.runtime.engine.names(self.world.installation, key)
        return list(containers)

    async def step(self, kind: str, name: str, what: Any) -> None:
        world, key = self.world, PreviewKey("default", name)
        exists = key in world.cluster.bodies
        deleting = exists and world.read(key).deleting
        match kind:
            case "apply" if not deleting:
                world.apply(what * 40, name, source=SOURCES[name])
                world.decide(key=key)
            case "course" if exists:
                self.decide(key, what)
            case "delete" if exists and not deleting:
                world.delete(key)
            case "restart":
                world.restart()
            case "outage":
                self.outage(what, True)
            case _ if exists:
                self.damage(kind, key, what)
        await self.pass_over(key)

    def decide(self, key: PreviewKey, course: Course) -> None:
        """As it would be decided: only what rests, or never ran, waits; what runs again was woken."""
        runs = self.world.read(key).status.phase in {Phase.RUNNING, Phase.UPDATING, Phase.FAILED}
        if course is Course.QUEUE and runs:
            return
        if course is Course.RUN:
            self.wishes += 1
            self.world.wish(WAKE, f"2026-01-01T00:00:{self.wishes:02}Z", key)
        self.world.decide(course, key=key)

    def damage(self, kind: str, key: PreviewKey, what: int) -> None:
        engine, names = self.world.runtime.engine, self.instances(key)
        if kind in ("kill", "remove") and names:
            getattr(engine, kind)(names[what % len(names)])
        elif kind == "network":
            for network in engine.names(self.world.installation, key)[1]:
                engine.drop_network(network)
        elif kind == "database":
            for claim in list(self.world.postgres.registry.values()):
                if claim.preview == key and claim.name in self.world.postgres.server.databases:
                    self.world.postgres.drop_by_hand(claim.name)

    def outage(self, backend: str, down: bool) -> None:
        world = self.world
        match backend:
            case "engine":
                world.runtime.engine.unavailable = down
            case "postgres":
                world.postgres.unavailable = down
            case "cluster":
                world.cluster.available = not down
            case "source":
                world.source.unavailable = down
            case "router":
                world.router.unavailable = down

    async def pass_over(self, key: PreviewKey) -> None:
        """One pass; an update that fails for good has changed nothing that serves."""
        if key not in self.world.cluster.bodies:
            return
        before = self.shown(key)
        try:
            outcome = await self.world.reconcile(key)
        except PreviewError:  # the API server is down: the worker tries again
            return
        finally:
            self.check_routes()
        if outcome.final and before.ready:
            assert self.shown(key) == before

    async def rest(self) -> None:
        """Every backend is back: one pass brings every preview to rest, and the next does nothing."""
        for backend in BACKENDS:
            self.outage(backend, False)
        for key in list(self.world.cluster.bodies):
            if not await self.rests(key):
                continue
            course = self.world.lifecycle.verdict(key).course
            if course is not Course.RUN:
                self.resting(key, course)
                self.decide(key, Course.RUN)
                await self.rests(key)
            self.running(key)

    async def rests(self, key: PreviewKey) -> bool:
        """One pass brings it to rest, and the next does nothing. False: it is gone."""
        outcome = await self.world.reconcile(key)
        assert outcome.error is None or outcome.final, outcome.error
        if outcome.released:
            return False
        before, writes, done = self.world.snapshot(), self.world.cluster.writes, list[str]()
        with self.world.listening(done):
            await self.world.reconcile(key)
        assert done == []
        assert (self.world.snapshot(), self.world.cluster.writes) == (before, writes)
        return True

    def resting(self, key: PreviewKey, course: Course) -> None:
        """Nothing runs of what rests, and nothing is there of what expired."""
        engine, phase = self.world.runtime.engine, self.world.read(key).status.phase
        found = [engine.containers[name] for name in self.instances(key)]
        assert phase is {Course.SLEEP: Phase.SLEEPING, Course.EXPIRE: Phase.EXPIRED}.get(course, Phase.QUEUED)
        assert not any(container.state in RUNS for container in found)
        assert all(instance is None for _, instance in self.shown(key).routes)
        if course is Course.EXPIRE:
            assert not found and not self.shown(key).routes
            assert not [claim for claim in self.world.postgres.registry.values() if claim.preview == key]

    def running(self, key: PreviewKey) -> None:
        """What can serve serves."""
        commit = self.world.read(key).spec.source.commit
        assert (self.world.read(key).status.commit == commit) == (commit[0] in GOOD)
        if commit[0] in GOOD:
            assert self.shown(key).ready

    async def end(self) -> None:
        """Everything is deleted."""
        for key in list(self.world.cluster.bodies):
            if not self.world.read(key).deleting:
                self.world.delete(key)
            if key in self.world.cluster.bodies:
                assert (await self.world.reconcile(key)).released


def own(world: World) -> dict[str, Any]:
    """All that is of one installation."""
    engine, server = world.runtime.engine, world.postgres.server
    return {
        "containers": {
            n: (c.state, c.started_at, frozenset(c.networks))
            for n, c in engine.containers.items()
            if c.installation == world.installation
        },
        "networks": {
            n for n, network in engine.networks.items() if network.installation == world.installation
        },
        "images": {
            n
            for n, image in engine.images.items()
            if image.labels.get("previewcloud.image.installation") == world.installation
        },
        "databases": {n for n, who in server.creators.items() if who == world.installation},
        "registry": set(world.postgres.registry),
        "secrets": set(world.cluster.secrets),
        "routes": set(world.router.table.routes()),
    }


async def play(script: list[tuple[str, str, Any]]) -> None:
    stage = Play()
    stage.neighbour.apply(name="pr-9", source={"pullRequest": 9})
    await stage.neighbour.settle(PreviewKey("default", "pr-9"))
    stage.neighbour.runtime.engine.hold_container("by-hand")
    stage.neighbour.postgres.create_by_hand("by_hand")
    theirs = own(stage.neighbour)
    for kind, name, what in script:
        await stage.step(kind, name, what)
    await stage.rest()
    await stage.end()
    assert not any(own(stage.world).values())
    assert own(stage.neighbour) == theirs
    assert "by-hand" in stage.world.runtime.engine.containers
    assert "by_hand" in stage.world.postgres.server.databases


@settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(st.lists(steps, min_size=3, max_size=14))
def test_whatever_happens_it_converges_and_leaves_nothing(script: list[tuple[str, str, Any]]) -> None:
    asyncio.run(play(script))
