"""What every log store must do when entries are written, followed and removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.logs.protocol import LogType
from controller.logs.store import Batch, Filter
from controller.runtime.output import Position, Stream
from tests.contract.log_store_world import AGAIN, OTHER, SHOP, START, StoreWorld, entry, marked, numbers

__all__ = ["LogStoreContract"]

ODD_MESSAGES = [
    "",
    " ",
    "a\0b",
    "\0",
    "two\nlines\r\nand a \r return",
    "\x1b[31mred\x1b[0m \x07",
    "Grüße, 世界 \U0001f680 \u200b\ufeff\uffff",
    "quotes ' \" \\ % _ $ {}",
    "x" * 16_384,
]


class LogStoreContract:
    """Subclasses give the fixture `world`."""

    async def test_sequences_grow_by_one_log_in_the_order_of_the_batches(self, world: StoreWorld) -> None:
        await world.append(entry("a"), entry("b", OTHER), entry("c"))
        await world.append(entry("d"), entry("e", OTHER))
        lines = await world.reader.read(SHOP)
        assert [line.entry.message for line in lines] == ["a", "c", "d"]
        assert numbers(lines) == sorted(set(numbers(lines)))
        assert lines[0].sequence == 1
        assert await world.messages(OTHER) == ["b", "e"]

    async def test_a_slug_used_again_shows_nothing_of_the_one_before(self, world: StoreWorld) -> None:
        await world.append(entry("old"), entry("new", AGAIN))
        assert await world.messages(AGAIN) == ["new"]
        assert await world.messages(SHOP) == ["old"]

    @pytest.mark.parametrize("message", ODD_MESSAGES)
    async def test_a_message_comes_back_as_it_was(self, world: StoreWorld, message: str) -> None:
        await world.append(entry(message))
        assert await world.messages(SHOP) == [message]

    async def test_half_of_a_surrogate_pair_is_kept_as_its_escape(self, world: StoreWorld) -> None:
        await world.append(entry("before"), entry("bad \udcff é"))
        assert await world.messages(SHOP) == ["before", "bad \\udcff é"]

    async def test_nothing_of_an_entry_is_lost(self, world: StoreWorld) -> None:
        full = entry(
            "all",
            type=LogType.SYSTEM,
            stream=Stream.STDERR,
            service="api",
            metadata={"by": "é \0", "dropped": -(2**70), "a.b": 0, "$c": "", "": "empty"},
        )
        bare = entry("bare", pr_number=None, service=None, stream=None, commit="")
        await world.append(full, bare)
        assert [line.entry for line in await world.reader.read(SHOP)] == [full, bare]

    async def test_a_batch_that_comes_again_is_not_doubled(self, world: StoreWorld) -> None:
        first = Batch("again", (entry("a"), entry("b", OTHER)))
        await world.writer.append(first)
        await world.append(entry("c"))
        await world.writer.append(first)
        assert await world.messages(SHOP) == ["a", "c"]
        assert await world.messages(OTHER) == ["b"]

    async def test_an_empty_batch_changes_nothing(self, world: StoreWorld) -> None:
        await world.append()
        assert await world.reader.heads() == ()

    async def test_the_newest_sequence_is_told_of_logs_that_have_entries(self, world: StoreWorld) -> None:
        assert await world.reader.last([]) == {}
        assert await world.reader.last([SHOP, OTHER]) == {}
        await world.append(entry("a"), entry("b"))
        assert await world.reader.last([SHOP, OTHER]) == {SHOP: 2}
        assert await world.reader.last([SHOP, OTHER]) == {SHOP: 2}
        await world.append(entry("c", OTHER))
        assert await world.reader.last([OTHER, SHOP]) == {SHOP: 2, OTHER: 1}

    async def test_who_follows_reads_each_line_once(self, world: StoreWorld) -> None:
        async def write() -> None:
            for number in range(30):
                await world.append(entry(f"{number} a"), entry(f"{number} b"), entry("other", OTHER))

        writing = asyncio.create_task(write())
        seen: list[str] = []
        after = 0
        while len(seen) < 60:
            last = (await world.reader.last([SHOP])).get(SHOP, 0)
            if last == after:
                await asyncio.sleep(0)
                continue
            lines = await world.reader.read(SHOP, Filter(after=after))
            assert lines[-1].sequence >= last
            seen += [line.entry.message for line in lines]
            after = lines[-1].sequence
        await writing
        assert seen == [f"{number} {letter}" for number in range(30) for letter in "ab"]

    async def test_appends_at_the_same_time_share_no_sequence(self, world: StoreWorld) -> None:
        batches = [Batch(f"many-{n}", (entry(f"{n} a"), entry(f"{n} b"))) for n in range(20)]
        await asyncio.gather(*(world.writer.append(batch) for batch in batches))
        lines = await world.reader.read(SHOP)
        assert len(set(numbers(lines))) == 40
        assert {line.entry.message for line in lines} == {
            f"{n} {letter}" for n in range(20) for letter in "ab"
        }

    async def test_the_oldest_are_removed_up_to_a_sequence(self, world: StoreWorld) -> None:
        await world.append(*(entry(f"{n}") for n in range(1, 6)), entry("other", OTHER))
        assert await world.writer.remove(SHOP, 3) == 3
        assert await world.writer.remove(SHOP, 3) == 0
        assert await world.messages(SHOP) == ["4", "5"]
        assert await world.messages(OTHER) == ["other"]
        assert await world.writer.remove(AGAIN, 10) == 0

    async def test_sequences_go_on_after_everything_was_removed(self, world: StoreWorld) -> None:
        await world.append(entry("a"), entry("b"))
        assert await world.writer.remove(SHOP, 10**15) == 2
        assert await world.reader.heads() == ()
        assert await world.reader.find("acme/shop", "pr-1") == ()
        assert await world.reader.last([SHOP]) == {SHOP: 2}
        await world.append(entry("c"))
        assert numbers(await world.reader.read(SHOP)) == [3]

    async def test_logs_are_found_by_repository_and_id_the_newest_first(self, world: StoreWorld) -> None:
        await world.append(entry("a", AGAIN, second=1), entry("b", AGAIN, second=20))
        await world.append(entry("c", second=5, pr_number=None), entry("d", OTHER))
        await world.append(entry("e", replace(SHOP, incarnation="x"), preview_id="pr-2"))
        await world.writer.remove(AGAIN, 1)
        found = await world.reader.find("Acme/Shop", "pr-1")
        assert [head.key for head in found] == [AGAIN, SHOP]
        assert (found[0].first, found[0].last, found[0].kept) == (2, 2, 1)
        assert found[0].last_at == START + timedelta(seconds=20)
        assert (found[0].preview_id, found[0].pr_number, found[1].pr_number) == ("pr-1", 1, None)
        assert await world.reader.find("acme/shop", "pr-9") == ()
        assert len(await world.reader.heads()) == 4

    async def test_positions_are_those_of_the_last_lines(self, world: StoreWorld) -> None:
        at = 1_772_000_000_123_456_789
        await world.append(marked("one", at), marked("one", at, 2), marked("two", 5), entry("unmarked"))
        await world.append(marked("one", at + 7, stream=Stream.STDERR))
        found = await world.writer.positions(["one", "two", "three"])
        assert found == {
            "one": {Stream.STDOUT: Position(at, 2), Stream.STDERR: Position(at + 7, 1)},
            "two": {Stream.STDOUT: Position(5, 1)},
        }
        assert await world.writer.positions([]) == {}
        assert set(await world.writer.positions(["two"])) == {"two"}

    async def test_positions_outlive_the_lines(self, world: StoreWorld) -> None:
        await world.append(marked("one", 5))
        await world.writer.remove(SHOP, 1)
        assert await world.writer.positions(["one"]) == {"one": {Stream.STDOUT: Position(5, 1)}}

    async def test_expiry_can_be_set_changed_and_taken_away(self, world: StoreWorld) -> None:
        for after in (timedelta(days=30), timedelta(days=30), timedelta(days=7), None, None):
            await world.writer.expire(after)
        await world.append(entry("young", created_at=START))
        await world.writer.check()
        await world.reader.check()
