"""The sweeper on the in-memory twins, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from controller.api.errors import BackendUnavailable, NotReady
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PREVIEW_LABEL, PreviewKey
from controller.cluster.memory import MemoryCluster
from controller.cluster.protocol import SecretData
from controller.lifecycle.orphans import Scope
from controller.lifecycle.sweep import Mode, Sweeper, Terms
from controller.runtime.memory import MemoryRuntime
from tests.unit.controller.manual_clock import ManualClock, drain

INTERVAL, GRACE = 1800.0, 600.0
COMMIT = "a" * 40


class Shelf:
    """A database server, as far as the sweep knows one."""

    def __init__(self) -> None:
        self.things: set[Holding] = set()
        self.asked: Callable[[], None] = lambda: None
        self.broken: str = ""

    async def holdings(self) -> tuple[Holding, ...]:
        self.asked()
        if self.broken == "list":
            raise BackendUnavailable("DatabaseUnavailable", "It does not answer.")
        return tuple(sorted(self.things))

    async def discard(self, holding: Holding) -> None:
        if self.broken == "discard":
            raise BackendUnavailable("DatabaseUnavailable", "It does not answer.")
        self.things.discard(holding)


class Counts:
    """A tally."""

    def __init__(self) -> None:
        self.kinds: Counter[HoldingKind] = Counter()
        self.refusals = 0

    def removed(self, kind: HoldingKind) -> None:
        self.kinds[kind] += 1

    def sweep_refused(self) -> None:
        self.refusals += 1


class Place:
    """Everything around a sweeper."""

    def __init__(self, namespace: str = "") -> None:
        self.clock, self.cluster, self.shelf = ManualClock(), MemoryCluster(), Shelf()
        self.runtime, self.counts = MemoryRuntime("mine"), Counts()
        terms = Terms(Scope("mine", namespace), INTERVAL, GRACE)
        keepers = {"docker": self.runtime, "databases.postgres": self.shelf}
        self.sweeper = Sweeper(self.cluster, keepers, self.clock, terms, self.counts)

    def preview(self, name: str, namespace: str = "default") -> PreviewKey:
        """A Preview with an instance, a volume, a database and a Secret."""
        key = PreviewKey(namespace, name)
        source = {"repository": "acme/shop", "pullRequest": 1, "trust": "trusted", "commit": COMMIT}
        metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
        self.cluster.put({"metadata": metadata, "spec": {"source": source}})
        for kind in (HoldingKind.INSTANCE, HoldingKind.VOLUME):
            self.runtime.engine.mark(Holding(kind, f"{namespace}-{name}-{kind}", "", "mine", key))
        self.shelf.things.add(Holding(HoldingKind.DATABASE, name, "postgres", "mine", key))
        secret = SecretData(f"{name}-database", {PREVIEW_LABEL: name})
        self.cluster.secrets[namespace, secret.name] = secret
        self.cluster.owners[namespace, secret.name] = key
        return key

    def lose(self, key: PreviewKey) -> None:
        """The Preview is gone, and nothing was taken down."""
        del self.cluster.bodies[key]

    def left(self, key: PreviewKey) -> set[HoldingKind]:
        """What there is of a preview."""
        everything = (*self.runtime.engine.marked.values(), *self.shelf.things)
        found = {each.kind for each in everything if each.preview == key}
        return found | ({HoldingKind.SECRET} if key in self.cluster.owners.values() else set())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.sweeper.run())
        await drain()
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


ALL = {HoldingKind.INSTANCE, HoldingKind.VOLUME, HoldingKind.DATABASE, HoldingKind.SECRET}


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def many(place: Place) -> list[PreviewKey]:
    return [place.preview(f"pr-{number}") for number in range(6)]


async def test_an_orphan_is_gone_right_after_its_grace_and_everything_else_stays(
    place: Place, many: list[PreviewKey]
) -> None:
    place.lose(many[0])
    async with place.running():
        await place.clock.advance(GRACE - 1)
        assert place.left(many[0]) == ALL
        await place.clock.advance(2)
        assert place.left(many[0]) == set()
        await place.clock.advance(2 * INTERVAL)
    assert [place.left(key) for key in many[1:]] == [ALL] * 5
    assert place.counts.kinds == dict.fromkeys(ALL, 1)
    assert place.counts.refusals == 0


async def test_what_becomes_an_orphan_later_is_found_at_the_interval(
    place: Place, many: list[PreviewKey]
) -> None:
    async with place.running():
        await place.clock.advance(10)
        place.lose(many[0])
        await place.clock.advance(INTERVAL - 20)
        assert place.left(many[0]) == ALL
        await place.clock.advance(20 + GRACE)
        assert place.left(many[0]) == set()


async def test_a_cluster_that_was_restored_without_its_previews_loses_nothing(
    place: Place, many: list[PreviewKey]
) -> None:
    bodies = dict(place.cluster.bodies)
    place.cluster.bodies.clear()
    async with place.running():
        await place.clock.advance(20 * INTERVAL)
        assert [place.left(key) for key in many] == [ALL] * 6
        with pytest.raises(NotReady, match="no Preview at all") as refused:
            await place.sweeper.check()
        assert refused.value.reason == "SweepRefused"
        assert place.counts.refusals == 21
        place.cluster.bodies.update(bodies)
        await place.clock.advance(2 * INTERVAL)
        await place.sweeper.check()
    assert [place.left(key) for key in many] == [ALL] * 6
    assert not place.counts.kinds


async def test_a_list_of_previews_that_is_not_given_whole_removes_nothing_and_is_asked_for_again(
    place: Place, many: list[PreviewKey]
) -> None:
    place.lose(many[0])
    async with place.running():
        await place.clock.advance(GRACE / 2)
        place.cluster.available = False
        await place.clock.advance(GRACE)
        assert place.left(many[0]) == ALL
        place.cluster.available = True
        await place.clock.advance(61)
        assert place.left(many[0]) == set()


async def test_things_are_listed_before_the_previews(place: Place, many: list[PreviewKey]) -> None:
    """What is made while a look is under way has its Preview by then."""
    place.shelf.asked = lambda: place.preview("made-meanwhile") and None
    swept = await place.sweeper.once(Mode(at_once=True))
    assert swept.removed == ()
    assert place.left(PreviewKey("default", "made-meanwhile")) == ALL


async def test_a_preview_that_is_made_again_during_the_removal_keeps_what_is_left(
    place: Place, many: list[PreviewKey]
) -> None:
    place.lose(many[0])
    discard = place.runtime.discard

    async def made_again(holding: Holding) -> None:
        await discard(holding)
        place.cluster.bodies[many[0]] = {}

    place.runtime.discard = made_again  # type: ignore[method-assign]
    swept = await place.sweeper.once(Mode(at_once=True))
    assert [holding.kind for holding in swept.removed] == [HoldingKind.INSTANCE]
    assert place.left(many[0]) == ALL - {HoldingKind.INSTANCE}


async def test_who_does_not_answer_is_left_out_and_asked_again_soon(
    place: Place, many: list[PreviewKey]
) -> None:
    place.lose(many[0])
    place.shelf.broken = "list"
    async with place.running():
        await place.clock.advance(GRACE + 1)
        assert place.left(many[0]) == {HoldingKind.DATABASE}
        place.shelf.broken = ""
        await place.clock.advance(60 + GRACE + 1)
        assert place.left(many[0]) == set()


async def test_what_cannot_be_removed_is_told_and_tried_again(place: Place, many: list[PreviewKey]) -> None:
    place.lose(many[0])
    place.shelf.broken = "discard"
    swept = await place.sweeper.once(Mode(at_once=True))
    assert {holding.kind: why for holding, why in swept.failed.items()} == {
        HoldingKind.DATABASE: "It does not answer."
    }
    assert place.left(many[0]) == {HoldingKind.DATABASE}
    place.shelf.broken = ""
    await place.sweeper.once(Mode(at_once=True))
    assert place.left(many[0]) == set()


async def test_a_dry_run_says_what_would_go_and_starts_no_grace(place: Place, many: list[PreviewKey]) -> None:
    place.lose(many[0])
    swept = await place.sweeper.once(Mode(dry=True))
    assert {holding.kind for holding in swept.sweep.orphans} == ALL
    assert {holding.preview for holding in swept.sweep.orphans} == {many[0]}
    await place.clock.advance(GRACE)
    swept = await place.sweeper.once()
    assert (swept.removed, place.left(many[0])) == ((), ALL)


async def test_the_safeguard_holds_without_the_grace_too_and_a_person_can_set_it_aside(
    place: Place, many: list[PreviewKey]
) -> None:
    for key in many[:3]:
        place.lose(key)
    swept = await place.sweeper.once(Mode(at_once=True))
    assert (swept.removed, bool(swept.sweep.refused)) == ((), True)
    await place.sweeper.once(Mode(at_once=True, unguarded=True))
    assert [place.left(key) for key in many] == [set()] * 3 + [ALL] * 3


async def test_a_preview_that_cannot_be_read_exists_all_the_same(
    place: Place, many: list[PreviewKey]
) -> None:
    place.cluster.bodies[many[0]]["spec"] = {"of": "another version"}
    swept = await place.sweeper.once(Mode(at_once=True))
    assert (swept.removed, swept.sweep.orphans) == ((), ())


async def test_with_one_namespace_watched_those_of_others_are_nobodys() -> None:
    place = Place("team-a")
    here, there = place.preview("pr-1", "team-a"), place.preview("pr-2", "team-b")
    place.preview("pr-3", "team-a")
    place.lose(here)
    place.lose(there)
    swept = await place.sweeper.once(Mode(at_once=True))
    assert (place.left(here), place.left(there)) == (set(), ALL)
    assert {holding.preview for holding in swept.sweep.foreign} == {there}


async def test_without_orphans_a_day_makes_two_looks_an_hour(place: Place, many: list[PreviewKey]) -> None:
    looks = 0

    def counted() -> None:
        nonlocal looks
        looks += 1

    place.shelf.asked = counted
    async with place.running():
        await place.clock.advance(24 * 3600)
    assert looks == 49
    assert place.cluster.writes == 0
