"""Whatever people do with hundreds of previews, in whatever order: the limits hold, what is pinned stays,
what is closed goes with all that it had, and nothing that is somebody else's is touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import Phase as Stage
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.limits import LimitPolicy
from controller.api.names import PIN, REDEPLOY, SLEEP, WAKE, PreviewKey
from controller.api.status import Phase
from controller.lifecycle.rules import LifecycleRules, Limit
from tests.unit.core.world import COMMIT_A, COMMIT_B, World
from tests.unit.lifecycle.fleet_world import (
    CHANGING,
    GRACE_SECONDS,
    ONE_PASS,
    STORING,
    SWEEP_SECONDS,
    LifeWorld,
    Stretch,
)

MAX, MAX_OWN, MAX_SLEEPING = 6, 4, 8
numbers = st.integers(1, 40)
steps = st.one_of(
    st.tuples(st.just("open"), st.lists(numbers, min_size=1, max_size=12)),
    st.tuples(st.just("visit"), st.lists(numbers, min_size=1, max_size=8)),
    st.tuples(
        st.sampled_from(["push", "pin", "unpin", "wake", "sleep", "close"]), st.lists(numbers, min_size=1)
    ),
    st.tuples(st.just("lose"), st.lists(numbers, min_size=1, max_size=1)),
    st.tuples(st.sampled_from(["restart", "redeploy"]), st.lists(numbers, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["hours", "jump"]), st.sampled_from([[1], [3], [13], [50]])),
    st.tuples(st.just("pin"), st.lists(numbers, min_size=5, max_size=20)),
)


class Play:
    """One life of an installation, beside another one on the same engine and database server."""

    def __init__(self, rules: LifecycleRules) -> None:
        self.neighbour = World()
        self.world = LifeWorld(rules, self.neighbour)
        self.over = Stretch(self.world.clock, self._over)
        self.pinned: dict[PreviewKey, frozenset[str]] = {}
        """With what each had when it was pinned."""
        self.lost: dict[PreviewKey, float] = {}
        """Gone from the cluster without anybody having been told, and when."""
        self.foreign: dict[str, Any] = {}

    def _over(self) -> bool:
        running = self.world.running() & self.world.cluster.bodies.keys()  # an orphan is the sweep's
        own = sum(self._storing(key) for key in running)
        return len(running) > MAX or own > MAX_OWN

    def _storing(self, key: PreviewKey) -> bool:
        return int(key.name.removeprefix("pr-")) % 2 == 0

    async def run(self, script: list[tuple[str, list[int]]]) -> None:
        """Play it, and look after every step."""
        self.neighbour.apply()
        await self.neighbour.settle()
        self.foreign = self._theirs()
        assert all(self.foreign.values())
        while script:
            async with self.world.operator():
                while script:
                    verb, which = script.pop(0)
                    if verb == "restart":
                        break
                    await self._step(verb, which)
                    await self.check()
            for number in which:
                self._lose(number)
        async with self.world.operator():
            await self.world.clock.advance(3 * (SWEEP_SECONDS + GRACE_SECONDS))
            await self.check()

    async def _step(self, verb: str, which: list[int]) -> None:
        clock = self.world.clock
        if verb == "hours":
            await self.world.pass_hours(which[0])
        elif verb == "jump":
            clock.jump(which[0] * 3600.0)
            self.lost = {key: since + which[0] * 3600.0 for key, since in self.lost.items()}
        for number in which if verb not in ("hours", "jump") else ():
            self._do(verb, number)
        await clock.advance(61)

    def _do(self, verb: str, number: int) -> None:
        world, key = self.world, PreviewKey("default", f"pr-{number}")
        there = key in world.cluster.bodies and not world.read(key).deleting
        if verb in ("open", "push"):
            if (verb == "open") != there and key not in self.lost:  # it would take over what runs of it
                repository = STORING if self._storing(key) else CHANGING
                world.open(number, COMMIT_A if verb == "open" else COMMIT_B, repository)
        elif there:
            actions: dict[str, Callable[[], object]] = {
                "visit": lambda: world.visit(key),
                "pin": lambda: self._pin(key),
                "unpin": lambda: self._unpin(key),
                "wake": lambda: world.wish_now(key, WAKE),
                "sleep": lambda: world.wish_now(key, SLEEP),
                "redeploy": lambda: world.wish_now(key, REDEPLOY),
                "close": lambda: self._close(key),
                "lose": lambda: self._close(key),
            }
            actions[verb]()

    def _pin(self, key: PreviewKey) -> None:
        self.world.wish_now(key, PIN)
        if self.world.status(key).phase not in (Phase.EXPIRED, None):
            self.pinned.setdefault(key, frozenset(d.name for d in self.world.status(key).all_databases()))

    def _unpin(self, key: PreviewKey) -> None:
        self.pinned.pop(key, None)
        annotations = self.world.cluster.bodies[key]["metadata"]["annotations"]
        annotations.pop(PIN, None)
        self.world.cluster.told("MODIFIED", key)

    def _close(self, key: PreviewKey) -> None:
        self.pinned.pop(key, None)
        self.world.delete(key)

    def _lose(self, number: int) -> None:
        """While no operator runs, somebody takes the finalizer off and deletes the object."""
        key = PreviewKey("default", f"pr-{number}")
        if key in self.world.cluster.bodies and not self.lost and len(self.world.cluster.bodies) > 1:
            self.pinned.pop(key, None)
            self.world.wipe(key)
            self.lost[key] = self.world.clock.seconds

    async def check(self) -> None:
        """What holds at every moment."""
        world = self.world
        assert self.over.longest <= ONE_PASS, "over the limit for longer than one pass"
        assert self._theirs() == self.foreign, "something foreign was touched"
        held = await world.held(self.lost)
        existing = set(world.cluster.bodies)
        assert not [key for key in existing if world.read(key).deleting], "something closed lives on"
        for key, databases in self.pinned.items():
            assert world.status(key).phase is not Phase.EXPIRED, "something pinned was torn down"
            assert databases <= set(world.postgres.server.databases), "something pinned lost its database"
        now = world.clock.seconds
        self.lost = {key: since for key, since in self.lost.items() if key in held and key not in existing}
        for key, since in self.lost.items():
            assert now - since < 2 * SWEEP_SECONDS + GRACE_SECONDS, f"an orphan survives: {held[key]}"
        assert not held.keys() - existing - self.lost.keys(), "something of a closed one is left"

    def _theirs(self) -> dict[str, Any]:
        engine, whose = self.world.runtime.engine, self.neighbour.installation
        server = self.neighbour.postgres.server
        theirs = {name: each for name, each in engine.containers.items() if each.installation == whose}
        return {
            "containers": {name: (each.id, each.state) for name, each in sorted(theirs.items())},
            "networks": sorted(name for name in engine.networks if name.startswith(f"{whose}-")),
            "databases": sorted(set(self.neighbour.postgres.registry) & set(server.databases)),
            "roles": sorted(name for name, maker in server.creators.items() if maker == whose),
        }


@settings(max_examples=20, deadline=None, phases=[Stage.explicit, Stage.reuse, Stage.generate])
@given(st.lists(steps, min_size=20, max_size=40), st.sampled_from(LimitPolicy))
def test_a_fleet_keeps_its_promises(script: list[tuple[str, list[int]]], policy: LimitPolicy) -> None:
    rules = LifecycleRules(
        everything=Limit(previews=MAX),
        repository=Limit(previews=MAX_OWN),
        max_sleeping=MAX_SLEEPING,
        policy=policy,
    )
    asyncio.run(Play(rules).run(list(script)))
