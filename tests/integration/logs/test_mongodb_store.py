"""The MongoDB store on the local platform's server, which may be a FerretDB."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from pymongo import AsyncMongoClient

from controller.api.errors import BackendUnavailable
from controller.logs.mongodb import EXPIRY, MongoStore
from controller.logs.store import Batch, Filter, Page
from controller.runtime.output import Position, Stream
from tests.contract.log_query_contract import LogQueryContract
from tests.contract.log_store_contract import LogStoreContract
from tests.contract.log_store_world import OTHER, SHOP, StoreWorld, entry, marked, numbers
from tests.integration.databases.relay import Relay
from tests.integration.operator.polling import until


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A database of its own, gone afterwards."""
    parts = urlsplit(os.environ["MONGODB_URL"])
    name = f"log_store_test_{secrets.token_hex(4)}"
    yield urlunsplit(parts._replace(path=f"/{name}"))
    async with AsyncMongoClient(os.environ["MONGODB_URL"]) as client:
        await client.drop_database(name)


@pytest.fixture
async def world(url: str) -> AsyncIterator[StoreWorld]:
    opened = StoreWorld(MongoStore(url, writer=True), MongoStore(url))
    yield opened
    await opened.reader.close()
    await opened.writer.close()


@pytest.fixture
async def again(url: str) -> AsyncIterator[MongoStore]:
    """The store of an operator that was started anew."""
    store = MongoStore(url, writer=True)
    yield store
    await store.close()


class TestMongoStore(LogStoreContract):
    pass


class TestMongoQueries(LogQueryContract):
    pass


BATCH = Batch("cut", (marked("one", 1), entry("other", OTHER), marked("one", 2), marked("one", 3)))
CUTS = [(step, done) for step in ("_reserve", "_keep_positions", "_publish") for done in (True, False)]


async def cut(world: StoreWorld, monkeypatch: pytest.MonkeyPatch, step: str, done: bool) -> None:
    """Append BATCH, whose answer is lost at a step that was done, or not."""
    appender = world.writer._appender  # type: ignore[attr-defined]
    real = getattr(appender, step)

    async def fails(*given: object) -> None:
        if done:
            await real(*given)
        raise BackendUnavailable("LogStoreUnavailable", "cut")

    with monkeypatch.context() as patched:
        patched.setattr(appender, step, fails)
        with pytest.raises(BackendUnavailable, match="cut"):
            await world.writer.append(BATCH)


@pytest.mark.parametrize("cut_at", CUTS, ids=str)
@pytest.mark.parametrize("restarted", [True, False])
async def test_a_batch_that_was_cut_off_is_completed_when_it_comes_again(
    world: StoreWorld,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    cut_at: tuple[str, bool],
    restarted: bool,
) -> None:
    await world.append(entry("before"), entry("before", OTHER))
    await cut(world, monkeypatch, *cut_at)
    if restarted:
        await world.writer.close()
        world.writer = MongoStore(url, writer=True)
    store = world.writer
    await store.append(BATCH)
    await store.append(BATCH)
    await store.append(Batch("after", (entry("after"),)))
    assert await world.messages(SHOP) == ["before", "one 1", "one 2", "one 3", "after"]
    assert await world.messages(OTHER) == ["before", "other"]
    assert await world.reader.last([SHOP, OTHER]) == {SHOP: 5, OTHER: 2}
    assert await store.positions(["one"]) == {"one": {Stream.STDOUT: Position(3)}}


async def test_a_batch_that_was_stored_in_part_is_completed(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.append(entry("before"))
    await cut(world, monkeypatch, "_publish", done=False)
    entries = world.reader._session.entries  # type: ignore[attr-defined]
    assert (await entries.delete_many({"log": str(SHOP), "sequence": {"$gt": 3}})).deleted_count == 1
    assert await world.messages(SHOP) == ["before"]
    await world.writer.append(BATCH)
    assert await world.messages(SHOP) == ["before", "one 1", "one 2", "one 3"]
    assert await world.messages(OTHER) == ["other"]


async def test_what_an_operator_left_in_the_middle_is_read_and_resumed_behind(
    world: StoreWorld, again: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cut(world, monkeypatch, "_keep_positions", done=False)
    entries = world.reader._session.entries  # type: ignore[attr-defined]
    await entries.delete_many({"log": str(SHOP), "sequence": 3})
    assert await again.positions(["one"]) == {"one": {Stream.STDOUT: Position(2)}}
    assert await world.messages(SHOP) == ["one 1", "one 2"]
    await again.append(Batch("next", (marked("one", 3),)))
    lines = await world.reader.read(SHOP)
    assert [line.entry.message for line in lines] == ["one 1", "one 2", "one 3"]
    assert numbers(lines) == sorted(set(numbers(lines)))
    assert await world.reader.last([SHOP]) == {SHOP: lines[-1].sequence}


@pytest.mark.parametrize("stored", [True, False])
async def test_a_batch_that_was_given_up_does_not_hold_up_the_next(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    await cut(world, monkeypatch, "_publish" if stored else "_keep_positions", done=False)
    if not stored:
        entries = world.reader._session.entries  # type: ignore[attr-defined]
        await entries.delete_many({})
    await world.append(entry("next"), entry("and next"))
    kept = ["one 1", "one 2", "one 3"] if stored else []
    assert await world.messages(SHOP) == [*kept, "next", "and next"]
    assert numbers(await world.reader.read(SHOP))[-2:] == [4, 5]


async def test_the_server_removes_what_is_too_old(world: StoreWorld) -> None:
    now = datetime.now(UTC)
    await world.append(entry("old", created_at=now - timedelta(days=2)), entry("new", created_at=now))
    await world.writer.expire(timedelta(days=1))
    # The server looks once a minute.
    await until(lambda: world.messages(SHOP), 150, lambda found: found == ["new"])
    assert [head.first for head in await world.reader.heads()] == [2]


async def test_what_the_server_removes_by_follows_the_setting(world: StoreWorld) -> None:
    async def seconds() -> int | None:
        there = await world.reader._session.entries.index_information()  # type: ignore[attr-defined]
        return there[EXPIRY]["expireAfterSeconds"] if EXPIRY in there else None

    await world.append(entry("a"))
    assert await seconds() is None
    for days in (30, 30, 7):
        await world.writer.expire(timedelta(days=days))
        assert await seconds() == days * 86_400
    await world.writer.expire(None)
    assert await seconds() is None


async def test_a_server_that_hangs_or_goes_is_told_within_the_time_and_found_again(url: str) -> None:
    parts = urlsplit(url)
    relay = Relay(parts.hostname or "", parts.port or 0)
    await relay.open()
    login = parts.netloc.rpartition("@")[0]
    through = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{relay.port}"))
    store = MongoStore(f"{through}&directConnection=true", writer=True, seconds=3)
    try:
        await store.append(Batch("a", (entry("a"),)))
        relay.freeze()
        for _ in range(2):
            with pytest.raises(BackendUnavailable) as failed:
                await store.append(Batch("b", (entry("b"),)))
            assert failed.value.reason == "LogStoreUnavailable"
        await relay.close()
        relay.thaw()
        with pytest.raises(BackendUnavailable):
            await store.check()
        await relay.open()
        await until(lambda: answers(store), 30)
        await store.append(Batch("b", (entry("b"),)))
        assert [line.entry.message for line in await store.read(SHOP)] == ["a", "b"]
    finally:
        await store.close()
        await relay.close()


async def answers(store: MongoStore) -> bool:
    try:
        await store.check()
    except BackendUnavailable:
        return False
    return True


async def test_a_wrong_password_is_told_without_it(url: str) -> None:
    parts = urlsplit(url)
    wrong = urlunsplit(parts._replace(netloc=f"admin:wr0ngsecret@{parts.hostname}:{parts.port}"))
    store = MongoStore(wrong)
    with pytest.raises(BackendUnavailable) as failed:
        await store.check()
    assert failed.value.reason == "LogStoreUnavailable"
    assert "wr0ngsecret" not in str(failed.value)
    await store.close()


async def test_a_long_log_is_not_read_as_a_whole(world: StoreWorld) -> None:
    """What is asked for its last lines is a window of them: a server that sorts all has little to sort."""
    for start in range(0, 10_000, 2000):
        await world.append(*(entry(f"{n}") for n in range(start, start + 2000)))
    asked: list[int] = []
    entries = world.reader._session.entries  # type: ignore[attr-defined]
    real = entries.find

    class Watched:
        def find(self, query: dict[str, dict[str, int]], *more: object) -> object:
            asked.append(query["sequence"]["$lte"] - query["sequence"]["$gte"] + 1)
            return real(query, *more)

    world.reader._session.entries = Watched()  # type: ignore[attr-defined]
    assert await world.messages(SHOP, page=Page(3, last=True)) == ["9997", "9998", "9999"]
    assert await world.messages(SHOP, Filter(after=9_990), Page(2)) == ["9990", "9991"]
    assert sum(asked) < 1000
