"""What every log store must find: pages, filters, counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.logs.protocol import LogType
from controller.logs.store import Filter, Page
from tests.contract.log_store_world import AGAIN, OTHER, SHOP, START, StoreWorld, entry, numbers

__all__ = ["LogQueryContract"]

DEPLOY, BUILD, CONTAINER = LogType.DEPLOY, LogType.BUILD, LogType.CONTAINER
TEXTS = [
    ("GET", ["Get /a%b", "GET /a_b", "get /axb"]),
    ("a%b", ["Get /a%b"]),
    ("a_b", ["GET /a_b"]),
    (".*", ["re .* [x]"]),
    ("[x]", ["re .* [x]"]),
    ("\\", ["back\\slash"]),
    ("É", ["É"]),
    ("é", ["é"]),
    ("after", ["nul\0After"]),
    ("L\0a", ["nul\0After"]),
    ("e\nt", ["line\nTwo"]),
    (" ", ["Get /a%b", "GET /a_b", "get /axb", "re .* [x]"]),
    ("#", []),
    ("$", []),
]


class LogQueryContract:
    """Subclasses give the fixture `world`."""

    async def test_pages_are_given_in_the_order_of_their_sequence(self, world: StoreWorld) -> None:
        await world.append(*(entry(str(n)) for n in range(1, 11)))
        pages = [
            (Page(3), ["1", "2", "3"]),
            (Page(3, 2), ["3", "4", "5"]),
            (Page(3, 9), ["10"]),
            (Page(3, 10), []),
            (Page(3, last=True), ["8", "9", "10"]),
            (Page(3, 2, last=True), ["6", "7", "8"]),
            (Page(3, 8, last=True), ["1", "2"]),
            (Page(3, 10, last=True), []),
            (Page(3, 10**30), []),
            (Page(10**30), [str(n) for n in range(1, 11)]),
        ]
        for page, expected in pages:
            assert await world.messages(SHOP, page=page) == expected, page

    async def test_a_log_that_is_not_there_is_empty(self, world: StoreWorld) -> None:
        await world.append(entry("other", OTHER))
        assert await world.reader.read(AGAIN) == ()
        assert await world.reader.read(AGAIN, Filter(since=START, text="x"), Page(last=True)) == ()
        assert await world.reader.count(AGAIN) == 0
        assert await world.reader.by_type(AGAIN) == {}

    async def test_filters_hold_all_together(self, world: StoreWorld) -> None:
        await world.append(
            entry("1", second=0, type=BUILD),
            entry("2", second=1, service="api"),
            entry("3", second=3, service=None, type=DEPLOY),
            entry("4", second=2),
            entry("5", second=4, service="api", type=BUILD),
        )

        def at(second: float) -> dict[str, object]:
            return {"since": START + timedelta(seconds=second)}

        both = frozenset({"api", "web"})
        cases: list[tuple[dict[str, object], str]] = [
            ({"types": frozenset({BUILD})}, "15"),
            ({"types": frozenset({BUILD, DEPLOY})}, "135"),
            ({"services": frozenset({"api"})}, "25"),
            ({"services": both}, "1245"),
            ({"services": frozenset({"none"})}, ""),
            (at(2), "345"),
            ({"until": START + timedelta(seconds=2)}, "12"),
            ({**at(1), "until": START + timedelta(seconds=3)}, "24"),
            ({**at(2), "types": frozenset({CONTAINER})}, "4"),
            (at(100), ""),
            ({"after": 2}, "345"),
            ({"before": 3}, "12"),
            ({"after": 1, "before": 4, "services": both}, "2"),
            ({"after": 4, "before": 2}, ""),
            ({"after": 10**30}, ""),
            ({"before": 0}, ""),
            ({"before": 10**30, "after": -5}, "12345"),
        ]
        for given, expected in cases:
            where = Filter(**given)  # type: ignore[arg-type]
            assert "".join(await world.messages(SHOP, where)) == expected, given
            assert "".join(await world.messages(SHOP, where, Page(last=True))) == expected, given
            assert await world.reader.count(SHOP, where) == len(expected), given

    async def test_times_are_compared_to_the_microsecond(self, world: StoreWorld) -> None:
        await world.append(entry("a"), entry("b", second=1e-6), entry("c", second=2e-6))
        middle = START + timedelta(microseconds=1)
        assert await world.messages(SHOP, Filter(since=middle)) == ["b", "c"]
        assert await world.messages(SHOP, Filter(until=middle)) == ["a"]

    @pytest.mark.parametrize(("text", "expected"), TEXTS)
    async def test_text_is_found_as_it_is_written(
        self, world: StoreWorld, text: str, expected: list[str]
    ) -> None:
        messages = ["Get /a%b", "GET /a_b", "get /axb", "re .* [x]", "back\\slash", "É", "é", "nul\0After"]
        await world.append(*(entry(message) for message in [*messages, "line\nTwo", ""]))
        assert await world.messages(SHOP, Filter(text=text)) == expected
        assert await world.reader.count(SHOP, Filter(text=text)) == len(expected)

    async def test_pages_are_of_what_a_filter_finds(self, world: StoreWorld) -> None:
        await world.append(*(entry(f"{n}", type=BUILD if n % 2 else CONTAINER) for n in range(1, 21)))
        where = Filter(types=frozenset({BUILD}))
        assert await world.messages(SHOP, where, Page(2, 3)) == ["7", "9"]
        assert await world.messages(SHOP, where, Page(2, 3, last=True)) == ["11", "13"]

    async def test_entries_are_counted_by_type(self, world: StoreWorld) -> None:
        await world.append(entry(type=BUILD), entry(type=BUILD), entry(), entry("x", OTHER))
        assert await world.reader.by_type(SHOP) == {BUILD: 2, CONTAINER: 1}
        await world.writer.remove(SHOP, 2)
        assert await world.reader.by_type(SHOP) == {CONTAINER: 1}
        assert await world.reader.count(SHOP) == 1

    async def test_a_long_log_is_read_in_parts_without_gap_or_double(self, world: StoreWorld) -> None:
        for start in range(0, 3000, 1000):
            await world.append(
                *(
                    entry(f"{n}", type=BUILD if n % 500 == 0 else CONTAINER)
                    for n in range(start, start + 1000)
                )
            )
        await world.writer.remove(SHOP, 700)
        everything: list[int] = []
        while lines := await world.reader.read(SHOP, Filter(after=everything[-1] if everything else 0)):
            everything += numbers(lines)
        assert everything == list(range(701, 3001))
        rare = Filter(types=frozenset({BUILD}))
        assert await world.messages(SHOP, rare) == ["1000", "1500", "2000", "2500"]
        assert await world.messages(SHOP, rare, Page(2, 1, last=True)) == ["1500", "2000"]
        assert await world.messages(SHOP, page=Page(1, 2000)) == ["2700"]
        assert await world.messages(SHOP, page=Page(2, 2000, last=True)) == ["998", "999"]
        assert (await world.reader.heads())[0].first == 701
