"""A container that starts again while its last lines are being read is read on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from controller.api.names import LogKey
from controller.clock import WallClock
from controller.logs.follower import Follower, Ways
from controller.logs.masks import Masks
from controller.logs.memory import MemorySink, MemoryStore
from controller.runtime.output import Positions, Printed, Source, Stream

STOPPED = Source("c1", "web", LogKey("acme/shop", "i1"), "pr-7", "web", "c0ffee", 7, running=False)


class Restarts:
    """Implements `Outputs`: during the first reading the container starts, prints and ends once more."""

    def __init__(self) -> None:
        self.begun: Callable[[], None] = lambda: None
        self.readings = 0

    async def sources(self) -> AsyncGenerator[Source | None]:
        yield None

    async def source(self, identity: str) -> Source | None:
        return replace(STOPPED, id=identity)

    async def output(self, identity: str, read: Positions) -> AsyncGenerator[tuple[Printed, ...]]:
        self.readings += 1
        if self.readings == 1:
            yield (Printed(Stream.STDOUT, 1, "first run"),)
            self.begun()
        elif self.readings == 2:
            yield (Printed(Stream.STDOUT, 2, "second run"),)


async def test_a_start_during_the_last_reading_is_not_missed() -> None:
    outputs, sink = Restarts(), MemorySink()
    follower = Follower(STOPPED, Ways(outputs, sink, MemoryStore(), Masks(()), WallClock(), 1000), None)
    outputs.begun = follower.started
    await follower.run()
    assert sink.text() == "first run\nsecond run"
