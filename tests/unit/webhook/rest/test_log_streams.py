"""Downloads: all that matches, page by page, to the end or with a last line that says why not."""

import json
from datetime import timedelta

import pytest
from aiohttp import ClientPayloadError

from controller.logs.protocol import LogType
from controller.logs.render import line_json
from tests.unit.webhook.rest.log_lines import FailingStore, GrowingStore, entry, failed, say, say_many
from tests.unit.webhook.rest.world import BEGIN, World, running
from webhook.rest.log_streams import PAGE_LINES

DOWNLOAD = "/api/previews/pr-42/logs/download"


async def text_of(world: World, query: str = "") -> str:
    response = await world.ask("GET", DOWNLOAD + query)
    assert response.status == 200
    return await response.text()


@pytest.mark.parametrize("count", [0, 1, PAGE_LINES - 1, PAGE_LINES, PAGE_LINES + 1, 3 * PAGE_LINES])
async def test_a_download_has_every_line_once_and_in_order(world: World, count: int) -> None:
    await say_many(world, (await world.made()).log_key, count)
    said = [line.rpartition("- ")[2] for line in (await text_of(world)).splitlines()]
    assert said == [f"line {n}" for n in range(1, count + 1)]


async def test_it_is_a_file_of_text_that_no_cache_keeps(world: World) -> None:
    await say(world, entry((await world.made()).log_key, "ö", service="web"))
    response = await world.ask("GET", DOWNLOAD)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="pr-42.log"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert await response.text() == "2026-01-01T00:00:00.000000Z container web ö\n"


async def test_as_json_lines_it_is_the_entries_as_everywhere(world: World) -> None:
    key = (await world.made()).log_key
    await say(world, entry(key, "\x1b[1mtwo\nlines\x1b[0m"), entry(key, "spät ☃"))
    response = await world.ask("GET", f"{DOWNLOAD}?format=jsonl")
    assert response.content_type == "application/jsonl"
    assert response.headers["Content-Disposition"] == 'attachment; filename="pr-42.jsonl"'
    first, second = (await response.text()).splitlines()
    assert first == line_json((await world.api.logs.read(key))[0])
    assert json.loads(second)["message"] == "spät ☃"


async def test_filters_hold_on_every_page_of_it(world: World) -> None:
    key = (await world.made()).log_key
    await say_many(world, key, 2 * PAGE_LINES)
    late = BEGIN + timedelta(days=1)
    await say(world, entry(key, "built", type=LogType.BUILD, service="web", created_at=late))
    assert len((await text_of(world, "?type=container")).splitlines()) == 2 * PAGE_LINES
    assert (await text_of(world, "?since=2026-01-02T00:00:00Z&type=build&service=web")).count("\n") == 1
    assert (await text_of(world, "?q=nothing")) == ""


async def test_a_log_that_grows_meanwhile_ends_all_the_same() -> None:
    async with running(logs=GrowingStore()) as world:
        await say_many(world, (await world.made()).log_key, 2 * PAGE_LINES)
        lines = (await text_of(world)).splitlines()
        assert len(lines) == 2 * PAGE_LINES and lines[-1].endswith(f" line {2 * PAGE_LINES}")


async def test_a_store_that_fails_midway_is_told_of_in_the_last_line() -> None:
    async with running(logs=FailingStore(1)) as world:
        await say_many(world, (await world.made()).log_key, 2 * PAGE_LINES)
        *kept, last = (await text_of(world)).splitlines()
    assert len(kept) == PAGE_LINES
    assert last == "The log breaks off here: The store went away. (LogStoreUnavailable)"


async def test_in_json_lines_too() -> None:
    async with running(logs=FailingStore(2)) as world:
        await say_many(world, (await world.made()).log_key, 2 * PAGE_LINES)
        *kept, last = map(json.loads, (await text_of(world, "?format=jsonl")).splitlines())
    assert [each["sequence"] for each in kept] == list(range(1, 2 * PAGE_LINES + 1))
    assert last == {"error": {"message": "The store went\naway.", "code": "LogStoreUnavailable"}}


async def test_a_store_that_fails_at_once_gives_no_answer_that_begins() -> None:
    async with running(logs=FailingStore(0)) as world:
        await say_many(world, (await world.made()).log_key, 1)
        assert await failed(world, DOWNLOAD) == (503, "LogStoreUnavailable")


async def test_what_nobody_foresaw_midway_breaks_the_connection_instead_of_looking_whole() -> None:
    async with running(logs=FailingStore(1, ZeroDivisionError("planted"))) as world:
        await say_many(world, (await world.made()).log_key, 2 * PAGE_LINES)
        response = await world.ask("GET", DOWNLOAD)
        with pytest.raises(ClientPayloadError):
            await response.text()


async def test_a_reader_who_goes_away_ends_the_reading() -> None:
    store = FailingStore(100)
    async with running(logs=store) as world:
        key = (await world.made()).log_key
        await say(world, *(entry(key, "x" * 10_000) for _ in range(20 * PAGE_LINES)))
        response = await world.ask("GET", DOWNLOAD)
        await response.content.readexactly(1000)
        response.close()
        assert response.connection is None
    assert store.pages > 80
