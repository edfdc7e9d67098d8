"""Every line of every container becomes an entry, once: over restarts, breaks, floods, an absent store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
import pytest_asyncio

from controller.api.names import LogKey
from controller.clock import WallClock
from controller.logs.collector import Collector
from controller.logs.follower import Ways
from controller.logs.memory import MemorySink, MemoryStore
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Batch
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import image_info
from controller.runtime.memory_output import MemoryOutputs
from controller.runtime.output import Position, Stream
from controller.runtime.protocol import InstanceSpec
from tests.contract.output_place import KEY
from tests.integration.operator.polling import until
from tests.unit.logs.collecting import web_spec

SECONDS = 20.0


class Sink(MemorySink):
    """Can be full."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()
        self.free.set()

    async def room(self) -> None:
        await self.free.wait()

    def messages(self) -> list[str]:
        return [entry.message for entry in self.entries]


@dataclass
class Rig:
    """A collector over the in-memory engine."""

    engine: MemoryEngine = field(default_factory=MemoryEngine)
    sink: Sink = field(default_factory=Sink)
    store: MemoryStore = field(default_factory=MemoryStore)
    learnt: list[tuple[LogKey, frozenset[str], int]] = field(default_factory=list)
    rate: int = 1000

    def __post_init__(self) -> None:
        self.runtime = MemoryRuntime("mine", engine=self.engine)
        self.runtime.add_image(image_info("web"))
        self.begin()

    def learn(self, key: LogKey, values: Iterable[str]) -> None:
        self.learnt.append((key, frozenset(values), len(self.sink.entries)))

    def begin(self) -> None:
        outputs = MemoryOutputs(self.engine, "mine")
        ways = Ways(outputs, self.sink, self.store, self, WallClock(), self.rate)
        self.collector = Collector(ways)
        self.task = asyncio.create_task(self.collector.run())

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def keep(self) -> None:
        """Store what was written, as the writer does."""
        await self.store.append(Batch(str(len(self.sink.entries)), tuple(self.sink.entries)))

    async def says(self, *messages: str) -> None:
        await until(self.sink.messages, SECONDS, lambda found: found == list(messages))


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    await made.end()


def contains(wanted: str, messages: list[str]) -> bool:
    return wanted in messages


async def start(rig: Rig, name: str = "web") -> InstanceSpec:
    spec = web_spec(name)
    await rig.runtime.start(spec)
    return spec


async def test_a_line_becomes_an_entry_with_all_that_is_known(rig: Rig) -> None:
    spec = await start(rig)
    rig.engine.print(spec.name, "oh", Stream.STDERR, at=1_790_000_000_123_456_789)
    await rig.says("listening", "oh")
    entry = rig.sink.entries[-1]
    assert (entry.key, entry.preview_id, entry.service, entry.pr_number) == (KEY, "pr-7", "web", 7)
    assert (entry.type, entry.stream, entry.commit) == (LogType.CONTAINER, Stream.STDERR, spec.commit)
    assert entry.created_at.isoformat() == "2026-09-21T14:13:20.123456+00:00"
    assert entry.mark is not None
    assert (entry.mark.source, entry.mark.stream) == (rig.engine.containers[spec.name].id, Stream.STDERR)
    assert entry.mark.position == Position(1_790_000_000_123_456_789)


async def test_secrets_are_learnt_before_the_first_line(rig: Rig) -> None:
    await start(rig)
    await rig.says("listening")
    assert rig.learnt == [(KEY, frozenset({"hunter22"}), 0)]


async def test_lines_of_the_same_time_have_positions_of_their_own(rig: Rig) -> None:
    spec = await start(rig)
    for text in ("a", "b"):
        rig.engine.print(spec.name, text, at=5_000_000_000_000_000_000)
    await rig.says("listening", "a", "b")
    marks = [entry.mark.position.count for entry in rig.sink.entries if entry.mark]
    assert marks == [1, 1, 2]


async def test_a_restart_is_followed_on(rig: Rig) -> None:
    spec = await start(rig)
    await rig.says("listening")
    await rig.runtime.stop(spec.name, 1)
    await until(lambda: rig.collector.following, SECONDS, lambda found: found == 0)
    await rig.runtime.resume(spec.name)
    await rig.says("listening", "listening")
    rig.engine.kill(spec.name)
    await rig.runtime.resume(spec.name)
    await rig.says(*["listening"] * 3)


async def test_broken_connections_cost_and_double_nothing(rig: Rig) -> None:
    spec = await start(rig)
    for number in range(5):
        rig.engine.print(spec.name, f"before {number}")
        rig.engine.lose_events()
        rig.engine.print(spec.name, f"after {number}")
        await until(rig.sink.messages, SECONDS, partial(contains, f"after {number}"))
    wanted = [f"{word} {number}" for number in range(5) for word in ("before", "after")]
    await rig.says("listening", *wanted)


async def test_another_operator_reads_on_where_the_store_says(rig: Rig) -> None:
    spec = await start(rig)
    rig.engine.print(spec.name, "one")
    await rig.says("listening", "one")
    await rig.end()
    await rig.keep()
    rig.engine.print(spec.name, "two")
    rig.begin()
    await rig.says("listening", "one", "two")


async def test_a_store_that_is_away_is_waited_for(rig: Rig) -> None:
    rig.store.available = False
    await start(rig)
    await until(lambda: rig.learnt, SECONDS)
    rig.store.available = True
    await rig.says("listening")


async def test_a_full_sink_holds_the_engine_up(rig: Rig) -> None:
    rig.sink.free.clear()
    spec = await start(rig)
    await until(lambda: rig.collector.following, SECONDS)
    rig.engine.print(spec.name, "one")
    assert not rig.sink.entries
    rig.sink.free.set()
    await rig.says("listening", "one")


async def test_last_words_are_read_before_the_container_goes(rig: Rig) -> None:
    spec = await start(rig)
    await rig.says("listening")
    rig.engine.print(spec.name, "goodbye")
    rig.engine.end(spec.name, 0)
    await rig.collector.read_out(spec.name)
    rig.engine.remove(spec.name)
    await rig.says("listening", "goodbye")
    await rig.collector.read_out(spec.name)


async def test_last_words_of_one_that_nobody_followed_are_read_too(rig: Rig) -> None:
    await rig.end()
    spec = await start(rig)
    rig.engine.end(spec.name, 0)
    await rig.collector.read_out(spec.name)
    await rig.says("listening")


async def test_reading_out_never_fails(rig: Rig) -> None:
    spec = await start(rig)
    rig.engine.unavailable = True
    await rig.collector.read_out(spec.name)


async def test_an_output_that_fails_oddly_is_tried_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    store, positions = rig.store, rig.store.positions
    failures = iter([ValueError("odd")])

    async def fails_once(sources: Iterable[str]) -> object:
        for failure in failures:
            raise failure
        return await positions(list(sources))

    monkeypatch.setattr(store, "positions", fails_once)
    await start(rig)
    await rig.says("listening")


async def test_a_flood_is_sampled_and_what_went_is_counted() -> None:
    rig = Rig(rate=10)
    spec = await start(rig)
    second = 1_000_000_000
    for number in range(150):
        rig.engine.print(spec.name, str(number), at=4_000_000_000 * second + number)
    rig.engine.print(spec.name, "later", at=4_000_000_002 * second)
    await until(rig.sink.messages, SECONDS, lambda found: "later" in found)
    told = [entry for entry in rig.sink.entries if entry.metadata]
    assert [entry.metadata for entry in told] == [{"dropped": 50}]
    assert told[0].message == "… 50 lines were left out here: more than 10 a second."
    assert rig.sink.messages().index(told[0].message) == 101
    assert told[0].mark is not None, "what was dropped is not read again by the next operator"
    assert told[0].mark.position == Position(4_000_000_000 * second + 149)
    await rig.end()


async def test_a_flood_that_falls_silent_is_told_of_too() -> None:
    rig = Rig(rate=10)
    spec = await start(rig)
    for number in range(150):
        rig.engine.print(spec.name, str(number), at=4_000_000_000_000_000_000 + number)
    told: list[LogEntry] = await until(
        lambda: [entry for entry in rig.sink.entries if entry.metadata], SECONDS
    )
    assert told[0].metadata == {"dropped": 50}
    assert rig.collector.following == 1, "it runs on"
    await rig.end()


async def test_a_hundred_containers_are_followed_side_by_side(rig: Rig) -> None:
    for number in range(100):
        await rig.runtime.start(replace(web_spec(f"web-{number}"), service=f"s{number}"))
    await until(lambda: len(rig.sink.entries), SECONDS, lambda found: found == 100)
    assert {entry.service for entry in rig.sink.entries} == {f"s{number}" for number in range(100)}
    assert rig.collector.following == 100
