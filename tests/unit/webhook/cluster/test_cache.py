"""The watch behind the cache: pages, versions, outages, and what cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from controller.api.preview import Preview
from tests.contract.bridge_cluster_world import until
from tests.unit.cluster.serving import serving
from tests.unit.webhook.cluster.fake_api import Body, FakeApi, FlyingClock, body, watching
from webhook.cluster.cache import DOWN_SECONDS, LONGEST_PAUSE, PreviewWatch
from webhook.cluster.index import PreviewIndex


@dataclass
class Scene:
    """A watch at work, and the API server that a test plays."""

    api: FakeApi
    index: PreviewIndex
    watch: PreviewWatch
    clock: FlyingClock
    told: list[tuple[int, str, bool]] = field(default_factory=list)

    def names(self) -> list[int | None]:
        return [preview.spec.source.pull_request for preview in self.index.previews()]

    async def watched(self, version: str) -> None:
        """Wait until the last watch asked from a version is open."""
        await until(lambda: self.api.watched and self.api.watches[-1]["resourceVersion"] == version)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    fake, clock = FakeApi(), FlyingClock()
    fake.bodies = [body(1, 11), body(2, 12)]
    async with serving(fake.handle) as api:
        index, watch = watching(api, clock)
        scene = Scene(fake, index, watch, clock)

        def listener(preview: Preview, gone: bool) -> None:
            number = preview.spec.source.pull_request or 0
            scene.told.append((number, preview.metadata.resource_version, gone))

        index.listen(listener)
        task = asyncio.create_task(watch.run())
        try:
            yield scene
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()


async def test_everything_is_listed_in_pages_and_watched_from_there(scene: Scene) -> None:
    scene.api.page = 2
    scene.api.bodies = [body(number, number) for number in range(1, 6)]
    assert not scene.watch.ready
    await scene.watched("100")
    assert scene.watch.ready
    assert scene.names() == [1, 2, 3, 4, 5]
    assert [query.get("continue") for query in scene.api.lists] == [None, "2", "4"]
    assert scene.api.watches[0]["allowWatchBookmarks"] == "true"


async def test_a_watch_that_ends_in_time_goes_on_from_what_was_seen_last(scene: Scene) -> None:
    await scene.watched("100")
    scene.api.send("MODIFIED", body(1, 101))
    scene.api.send("BOOKMARK", {"metadata": {"resourceVersion": "150"}})
    scene.api.end()
    await scene.watched("150")
    assert len(scene.api.lists) == 1
    assert scene.told == [(1, "11", False), (2, "12", False), (1, "101", False)]
    assert scene.clock.pauses == []


async def test_a_deletion_is_told(scene: Scene) -> None:
    await scene.watched("100")
    scene.api.send("DELETED", body(1, 101))
    await until(lambda: scene.names() == [2])
    assert scene.told[-1] == (1, "11", True)


@pytest.mark.parametrize("how", ["answer", "change"])
async def test_a_forgotten_version_is_listed_again_and_what_went_is_told(scene: Scene, how: str) -> None:
    await scene.watched("100")
    scene.api.bodies, scene.api.version = [body(2, 12), body(3, 13)], 200
    if how == "answer":
        scene.api.forgotten.add("100")
        scene.api.end()
    else:
        scene.api.send("ERROR", {"code": 410, "message": "too old"})
    await scene.watched("200")
    assert scene.names() == [2, 3]
    assert scene.told[2:] == [(1, "11", True), (3, "13", False)]


async def test_after_a_broken_connection_everything_is_listed_again(scene: Scene) -> None:
    await scene.watched("100")
    with capture_logs() as logs:
        scene.api.bodies, scene.api.version = [body(2, 212)], 300
        scene.api.cut()
        await scene.watched("300")
    assert scene.told[2:] == [(1, "11", True), (2, "212", False)]
    assert [entry["log_level"] for entry in logs] == ["warning", "info"]


async def test_in_an_outage_it_is_asked_less_often_and_told_once(scene: Scene) -> None:
    await scene.watched("100")
    with capture_logs() as logs:
        scene.api.failing = 503
        scene.api.cut()
        await until(lambda: len(scene.clock.pauses) > 12)
        assert scene.clock.pauses[:4] == [0.25, 0.5, 1.0, 2.0]
        assert max(scene.clock.pauses) == LONGEST_PAUSE
        assert [entry["log_level"] for entry in logs] == ["warning"]
        assert scene.names() == [1, 2]
        scene.api.failing = None
        await scene.watched("100")
    assert [entry["log_level"] for entry in logs] == ["warning", "info"]
    scene.api.send("BOOKMARK", {"metadata": {"resourceVersion": "150"}})
    scene.api.end()
    await scene.watched("150")
    pauses = len(scene.clock.pauses)
    scene.api.cut()
    await scene.watched("100")
    assert scene.clock.pauses[pauses:] == [0.25]


async def test_it_is_not_ready_when_the_watch_was_away_for_a_minute(scene: Scene) -> None:
    seen: list[tuple[float, bool]] = []
    sleep, away = scene.clock.sleep, 0.0

    async def looking(seconds: float) -> None:
        await sleep(seconds)
        seen.append((scene.clock.seconds - away, scene.watch.ready))

    scene.clock.sleep = looking  # type: ignore[method-assign]
    await scene.watched("100")
    away = scene.clock.seconds
    scene.api.failing = 503
    scene.api.cut()
    await until(lambda: bool(seen) and seen[-1][0] > DOWN_SECONDS * 2)
    assert [ready for _, ready in seen] == [down <= DOWN_SECONDS for down, _ in seen]
    scene.api.failing = None
    await scene.watched("100")
    await until(lambda: scene.watch.ready)


async def test_lists_alone_do_not_make_it_ready_again(scene: Scene) -> None:
    await scene.watched("100")
    scene.api.forgotten.add("100")
    scene.api.cut()
    await until(lambda: scene.clock.seconds > DOWN_SECONDS * 2)
    assert not scene.watch.ready


async def test_watches_that_end_at_once_are_not_opened_in_a_circle(scene: Scene) -> None:
    await scene.watched("100")
    for _ in range(4):
        await until(lambda: scene.api.watched)
        scene.api.end()
    await until(lambda: len(scene.clock.pauses) >= 4)
    assert scene.clock.pauses[:4] == [0.25, 0.5, 1.0, 2.0]


def broken(number: int, version: int) -> Body:
    return body(number, version, services=[{"name": "web", "image": "nginx", "port": "nonsense"}])


async def test_what_cannot_be_read_is_told_once_and_breaks_nothing(scene: Scene) -> None:
    with capture_logs() as logs:
        scene.api.bodies = [broken(1, 11), body(2, 12)]
        await scene.watched("100")
        assert scene.names() == [2]
        scene.api.cut()
        await until(lambda: len(scene.api.lists) == 2)
        await scene.watched("100")
    told = [entry for entry in logs if entry.get("preview")]
    assert [entry["preview"] for entry in told] == ["previews/shop-1"]
    assert "services.0.port" in told[0]["error"]
    scene.api.send("MODIFIED", body(1, 101))
    await until(lambda: scene.names() == [1, 2])


async def test_what_cannot_be_read_any_more_stays_as_it_was(scene: Scene) -> None:
    await scene.watched("100")
    scene.api.send("MODIFIED", broken(1, 101))
    scene.api.send("MODIFIED", body(2, 102))
    await until(lambda: scene.told[-1] == (2, "102", False))
    scene.api.bodies, scene.api.version = [broken(1, 101), body(2, 102)], 300
    scene.api.cut()
    await scene.watched("300")
    assert scene.names() == [1, 2]
    assert not any(gone for _, _, gone in scene.told)


async def test_fields_of_a_later_version_do_not_matter(scene: Scene) -> None:
    novel = body(1, 11, services=[{"name": "web", "image": "nginx", "gpu": 1}], future={"x": [1]})
    novel["metadata"]["managedFields"] = [{"manager": "x"}]
    novel["status"] = {"phase": "Running", "weather": "fine"}
    scene.api.bodies = [novel]
    await scene.watched("100")
    assert scene.names() == [1]
    assert scene.index.previews()[0].spec.services[0].image == "nginx"


async def test_an_object_that_did_not_change_is_not_read_again(scene: Scene) -> None:
    await scene.watched("100")
    before = scene.index.previews()
    scene.api.bodies[1] = body(2, 112)
    scene.api.version = 200
    scene.api.cut()
    await scene.watched("200")
    after = scene.index.previews()
    assert after[0] is before[0]
    assert after[1] is not before[1]
