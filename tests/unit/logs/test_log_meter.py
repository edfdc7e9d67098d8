"""Entries of previews' logs are counted when they are stored, and when they are lost."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

import structlog

from controller.logs.masks import Masks
from controller.logs.protocol import LogType
from controller.logs.waiting import ENTRY_BYTES, Waiting
from controller.logs.writer import FLUSH_SECONDS, LogWriter
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.logs.entries import MoodyStore, entry


class Meter:
    """Implements LogMeter."""

    def __init__(self) -> None:
        self.by_type: Counter[LogType] = Counter()
        self.gone = 0

    def stored(self, by_type: Mapping[LogType, int]) -> None:
        self.by_type.update(by_type)

    def lost(self, count: int) -> None:
        self.gone += count


async def test_what_is_stored_is_counted_by_type_and_what_waits_too_long_as_lost() -> None:
    meter, store, clock = Meter(), MoodyStore(), ManualClock()
    tokens = itertools.count()
    waiting = Waiting(most=3 * (ENTRY_BYTES + 200))
    writer = LogWriter(store, Masks([]), clock, lambda: f"token-{next(tokens)}", waiting, meter)
    for number in range(10):
        writer.write(entry(f"line {number}"))
    assert not meter.by_type
    await clock.advance(FLUSH_SECONDS)
    await drain()
    kept = meter.by_type.total()
    assert 0 < kept < 10 + 1
    assert meter.gone == 10 - len([m for m in await store.messages() if m.startswith("line")])
    assert meter.gone > 0
    assert set(meter.by_type) <= set(LogType)
    await writer.close()


async def test_the_writer_does_not_speak_in_the_name_of_whoever_wrote_first() -> None:
    heard: list[Mapping[str, object]] = []

    class Listening(MoodyStore):
        async def append(self, batch: object) -> None:
            heard.append(structlog.contextvars.get_contextvars())

    clock = ManualClock()
    writer = LogWriter(Listening(), Masks([]), clock, lambda: "token")
    with structlog.contextvars.bound_contextvars(preview="default/pr-1"):
        writer.write(entry("line"))
    await clock.advance(FLUSH_SECONDS)
    await drain()
    assert heard == [{}]
    await writer.close()
