"""What is written is stored soon, once and masked, whatever the store does, and holds nobody up."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from controller.api.errors import BackendUnavailable
from controller.logs.mask import MASK
from controller.logs.masks import Masks
from controller.logs.protocol import CUT_MARK, MESSAGE_MAX
from controller.logs.waiting import ENTRY_BYTES, Waiting
from controller.logs.writer import (
    APPEND_SECONDS,
    BATCH_BYTES,
    BATCH_MOST,
    FLUSH_SECONDS,
    PATIENCE_SECONDS,
    LogWriter,
)
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.logs.entries import BLOG, SHOP, MoodyStore, entry


class Desk:
    """A writer, with what it stands on."""

    def __init__(self, waiting: Waiting | None = None) -> None:
        self.store, self.clock, self.masks = MoodyStore(), ManualClock(), Masks(["platform-key"])
        tokens = itertools.count()
        self.writer = LogWriter(self.store, self.masks, self.clock, lambda: f"token-{next(tokens)}", waiting)

    async def write(self, *messages: str) -> None:
        """Write, and let the time pass in which it is stored."""
        for message in messages:
            self.writer.write(entry(message))
        await self.clock.advance(FLUSH_SECONDS)

    async def health(self) -> str:
        """What is wrong; empty: nothing."""
        try:
            await self.writer.check()
        except BackendUnavailable as error:
            return str(error)
        return ""


async def test_entries_are_stored_together_in_their_order_within_50_ms() -> None:
    desk = Desk()
    desk.writer.write(entry("one"))
    desk.writer.write(entry("two"))
    await desk.clock.advance(0.05)
    assert await desk.store.messages() == ["one", "two"]
    assert len(desk.store.batches) == 1


async def test_a_batch_is_bounded() -> None:
    desk = Desk()
    await desk.write(*["text"] * (BATCH_MOST + 1))
    assert [len(batch.entries) for batch in desk.store.batches] == [BATCH_MOST, 1]


async def test_a_batch_of_long_messages_is_bounded_in_bytes() -> None:
    desk = Desk()
    await desk.write(*["x" * MESSAGE_MAX] * 400)
    assert all(
        sum(len(kept.message) for kept in batch.entries) <= BATCH_BYTES + MESSAGE_MAX
        for batch in desk.store.batches
    )
    assert await desk.store.count(SHOP) == 400


async def test_secrets_are_masked_in_message_and_metadata() -> None:
    desk = Desk()
    desk.masks.learn(SHOP, ["shop-secret"])
    desk.writer.write(entry("a shop-secret", metadata={"by": "platform-key", "shop-secret": 3}))
    await desk.clock.advance(FLUSH_SECONDS)
    (line,) = await desk.store.read(SHOP)
    assert line.entry.message == f"a {MASK}"
    assert line.entry.metadata == {"by": MASK, MASK: 3}


@pytest.mark.parametrize("letter", ["a", "ä", "語", "🐘"])
async def test_a_long_message_is_cut_between_characters(letter: str) -> None:
    desk = Desk()
    await desk.write(letter * MESSAGE_MAX * 5, letter * 100)
    cut, whole = await desk.store.messages()
    assert MESSAGE_MAX - 4 < len(cut.encode()) <= MESSAGE_MAX
    assert cut == letter * (len(cut) - len(CUT_MARK)) + CUT_MARK
    assert whole == letter * 100


async def test_a_secret_at_the_cut_is_masked() -> None:
    desk = Desk()
    text = "x" * (MESSAGE_MAX - 20)
    await desk.write(f"{text}platform-k{CUT_MARK}", f"{text}platform-key{'y' * 100}")
    first, second = await desk.store.messages()
    assert first == f"{text}{MASK}{CUT_MARK}"
    assert "platform" not in second


async def test_what_utf8_cannot_hold_is_written_out() -> None:
    desk = Desk()
    await desk.write("a\udcff\0b")
    assert await desk.store.messages() == ["a\\udcff\0b"]


async def test_nothing_is_lost_or_doubled_while_the_store_is_down_for_a_minute() -> None:
    desk = Desk()
    desk.store.available = False
    for number in range(60):
        desk.writer.write(entry(str(number)))
        await desk.clock.advance(1)
    desk.store.available = True
    await desk.clock.advance(3)
    assert await desk.store.messages() == [str(number) for number in range(60)]


async def test_a_batch_whose_answer_was_lost_is_given_again_under_the_same_token() -> None:
    desk = Desk()
    desk.store.loses_answers = True
    await desk.write("once")
    desk.store.loses_answers = False
    await desk.clock.advance(3)
    assert await desk.store.messages() == ["once"]
    assert len({batch.token for batch in desk.store.batches}) == 1


async def test_of_too_many_entries_the_oldest_are_dropped_and_each_log_says_so() -> None:
    desk = Desk(Waiting(most=10 * (ENTRY_BYTES + 100), room=0))
    desk.store.available = False
    await desk.write("under way")
    for number in range(30):
        desk.writer.write(entry(str(number)))
    desk.writer.write(entry("of another", BLOG))
    assert "were dropped" in await desk.health()
    desk.store.available = True
    await desk.clock.advance(3)
    first, told, *kept = await desk.store.messages()
    assert first == "under way"
    assert kept == [str(number) for number in range(30 - len(kept), 30)]
    assert f"{30 - len(kept)} entries between 2026-01-01 00:00:00" in told
    assert "could not be written since 2026-01-01 00:00:00" in told
    assert await desk.store.messages(BLOG) == ["of another"]
    assert not await desk.health()


async def test_a_batch_that_a_store_refuses_is_given_up_and_told_of() -> None:
    desk = Desk()
    desk.store.refuses = True
    await desk.write("poison")
    await desk.write("after it")
    await desk.clock.advance(PATIENCE_SECONDS + 3)
    desk.store.refuses = False
    await desk.clock.advance(3)
    assert (await desk.store.messages())[-1].startswith("The log could not be written since")
    assert "after it" in await desk.store.messages()


async def test_a_store_that_hangs_holds_nobody_up_and_is_told_of() -> None:
    desk = Desk()
    desk.store.hangs = True
    await desk.write("one")
    began = time.monotonic()
    for _ in range(1000):
        desk.writer.write(entry("more"))
    assert time.monotonic() - began < APPEND_SECONDS / 3
    assert not await desk.health()
    await desk.clock.advance(6)
    assert (await desk.health()).startswith("LogsNotKept: What previews say has not been stored since")
    assert "1,001 entries wait" in await desk.health()


async def test_health_is_that_of_the_store_while_nothing_is_written() -> None:
    desk = Desk()
    desk.store.available = False
    assert (await desk.health()).startswith("LogStoreUnavailable")
    await desk.write("one")
    assert (await desk.health()).startswith("LogsNotKept")
    desk.store.available = True
    await desk.clock.advance(3)
    assert not await desk.health()


async def test_whoever_waits_for_room_goes_on_when_there_is_some() -> None:
    desk = Desk(Waiting(room=5 * ENTRY_BYTES))
    desk.store.available = False
    await desk.writer.room()
    await desk.write("under way")
    await desk.write(*["text"] * 10)
    guests = [asyncio.create_task(desk.writer.room()) for _ in range(3)]
    gone = asyncio.create_task(desk.writer.room())
    await drain()
    gone.cancel()
    desk.writer.write(entry("from those who cannot wait"))
    await drain()
    assert not any(guest.done() for guest in guests)
    desk.store.available = True
    await desk.clock.advance(3)
    for _ in guests:
        desk.writer.write(entry("more"))
        await desk.clock.advance(FLUSH_SECONDS)
    assert all(guest.done() for guest in guests)


async def test_what_waits_is_stored_at_the_end() -> None:
    desk = Desk()
    for number in range(3):
        desk.writer.write(entry(str(number)))
    closing = asyncio.create_task(desk.writer.close())
    await desk.clock.advance(FLUSH_SECONDS)
    await closing
    assert await desk.store.messages() == ["0", "1", "2"]


async def test_the_end_does_not_wait_for_a_store_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.logs.writer.CLOSE_SECONDS", 0.1)
    desk = Desk()
    desk.store.hangs = True
    await desk.write("one")
    await desk.writer.close()
    assert desk.store.batches
