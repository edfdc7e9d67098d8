"""GET .../logs/archived: what was archived, read back by those who may see the repository."""

import json
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from obstore.store import MemoryStore

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.logs.archive import Archive, Part, memory_archive
from controller.logs.archive_objects import ObjectArchive
from controller.logs.protocol import LogType
from controller.logs.store import Line
from tests.unit.webhook.rest.log_lines import entry, failed
from tests.unit.webhook.rest.world import BEGIN, World, make_token, running
from webhook.rest.log_streams import PAGE_LINES
from webhook.tokens import Scope

ARCHIVED = "/api/previews/pr-42/logs/archived"
OLD, NEW = LogKey("acme/shop", "old"), LogKey("acme/shop", "new")


async def put(archive: Archive, key: LogKey, day: int, *said: tuple[str, LogType, str | None]) -> None:
    """Archive lines of a day, a second apart."""
    at = BEGIN + timedelta(days=day)
    lines = [
        Line(
            100 * (day + 1) + n,
            entry(key, text, type=kind, service=service, created_at=at + timedelta(seconds=n)),
        )
        for n, (text, kind, service) in enumerate(said)
    ]
    await archive.put(key, "pr-42", at.date(), lines)


async def filled() -> Archive:
    archive = memory_archive()
    await put(archive, OLD, 0, ("first", LogType.BUILD, None), ("second", LogType.CONTAINER, "web"))
    await put(archive, OLD, 1, ("third", LogType.CONTAINER, "api"))
    await put(archive, NEW, 2, ("fourth", LogType.SYSTEM, None))
    await put(archive, LogKey("acme/other", "i"), 0, ("another's", LogType.SYSTEM, None))
    return archive


async def lines_of(world: World, query: str = "?repository=acme/shop") -> list[str]:
    response = await world.ask("GET", ARCHIVED + query)
    assert (response.status, response.content_type) == (200, "application/jsonl")
    return [json.loads(line)["message"] for line in (await response.text()).splitlines()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["first", "second", "third", "fourth"]),
        ("&type=container,system", ["second", "third", "fourth"]),
        ("&service=web&service=api", ["second", "third"]),
        ("&q=IR", ["first", "third"]),
        ("&since=2026-01-01T00:00:01Z&until=2026-01-03T00:00:00Z", ["second", "third"]),
        ("&since=1d", ["fourth"]),
        ("&type=database", []),
    ],
)
async def test_what_was_archived_comes_back_in_order_and_by_filters(query: str, expected: list[str]) -> None:
    async with running(archive=await filled()) as world:
        world.clock.today = BEGIN + timedelta(days=2, hours=12)
        assert await lines_of(world, f"?repository=Acme/Shop{query}") == expected


async def test_without_a_repository_it_is_that_of_the_preview_that_has_the_id() -> None:
    async with running(archive=await filled()) as world:
        assert await failed(world, ARCHIVED) == (404, "NotFound")
        await world.made(42, "acme/other")
        assert await lines_of(world, "") == ["another's"]
        assert (await lines_of(world))[0] == "first"


async def test_it_is_for_those_alone_who_may_see_the_repository() -> None:
    async with running(archive=await filled()) as world:
        await world.made()
        token = make_token(world.clock, Scope.READ, "acme/other")
        for query in ("", "?repository=acme/shop"):
            assert await failed(world, ARCHIVED + query, token) == (404, "NotFound")
        assert (await world.ask("GET", f"{ARCHIVED}?repository=acme/other", token)).status == 200


async def test_where_nothing_is_archived_that_is_said(world: World) -> None:
    await world.made()
    assert await failed(world, ARCHIVED) == (404, "ArchiveMissing")
    token = make_token(world.clock, Scope.READ, "acme/other")
    assert await failed(world, ARCHIVED, token) == (404, "NotFound")


class Damaged(ObjectArchive):
    """Its parts can be read up to a line."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), "memory")
        self.reads = PAGE_LINES + 3

    async def lines(self, part: Part) -> AsyncGenerator[Line]:
        """So many lines, and then no more."""
        for number in range(self.reads):
            yield Line(number + 1, entry(OLD, f"line {number}"))
        raise BackendUnavailable("ArchiveUnreadable", f"The part {part.path} cannot be read.")


@pytest.fixture
async def damaged() -> Damaged:
    archive = Damaged()
    await put(archive, OLD, 0, ("first", LogType.BUILD, None))
    return archive


async def test_a_part_that_cannot_be_read_is_named_behind_what_could_be(damaged: Damaged) -> None:
    async with running(archive=damaged) as world:
        text = await (await world.ask("GET", f"{ARCHIVED}?repository=acme/shop")).text()
        *kept, last = map(json.loads, text.splitlines())
    assert [each["sequence"] for each in kept] == list(range(1, PAGE_LINES + 4))
    assert last["error"]["code"] == "ArchiveUnreadable" and "acme/shop/pr-42" in last["error"]["message"]


async def test_an_archive_that_fails_at_once_is_a_503(damaged: Damaged) -> None:
    damaged.reads = 0
    async with running(archive=damaged) as world:
        assert await failed(world, f"{ARCHIVED}?repository=acme/shop") == (503, "ArchiveUnreadable")
