"""What the bridge hands over: let in by the proxy's token, checked, taken whole or not at all, and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from controller.api.names import LogKey
from controller.health import Health
from controller.logs.handed import BODY_MAX, ENTRIES_MAX, PATH, Handed, HandedBatch
from controller.logs.intake import LogIntake
from controller.logs.memory import MemorySink
from controller.logs.protocol import LogEntry, LogType
from controller.routing.endpoint import LOG_PATH, Others, provider_app
from controller.routing.feed import ConfigurationFeed
from controller.routing.table import RouteTable
from tests.unit.controller.manual_clock import ManualClock
from tests.unit.routing.examples import TOKEN, settings

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
ENTRY = LogEntry(
    LogKey("acme/shop", "0b5c7e1c-7d7e-4a52-9c0e-3f0a4c1d2e3f"),
    "pr-42",
    "a" * 40,
    LogType.SYSTEM,
    "/preview pin by @ada",
    datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
    42,
    metadata={"by": "ada", "delivery": 7},
)


class FullSink(MemorySink):
    """Has no room while a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.emptied = asyncio.Event()
        self.emptied.set()

    async def room(self) -> None:
        await self.emptied.wait()


class Operator:
    """The operator's side on a free port of loopback."""

    def __init__(self) -> None:
        self.sink = FullSink()
        intake = LogIntake(self.sink, room_seconds=0.05)
        feed = ConfigurationFeed(RouteTable(), settings())
        app = provider_app(feed, TOKEN, Health(ManualClock()), others=Others(take_entries=intake.post))
        self.client = TestClient(TestServer(app))

    async def post(self, body: str | bytes, headers: dict[str, str] = AUTHORIZED) -> tuple[int, str]:
        async with self.client.post(LOG_PATH, data=body, headers=headers) as response:
            return response.status, await response.text()

    @property
    def taken(self) -> list[LogEntry]:
        return list(self.sink.entries)


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    running = Operator()
    async with running.client:
        yield running


def batch(*entries: LogEntry, name: str = "batch-01") -> str:
    handed = tuple(Handed.of(entry) for entry in entries or (ENTRY,))
    return HandedBatch(id=name, entries=handed).model_dump_json(by_alias=True)


def changed(**fields: Any) -> str:
    """A batch whose only entry has other fields."""
    entry = Handed.of(ENTRY).model_dump(mode="json", by_alias=True) | fields
    return json.dumps({"id": "batch-01", "entries": [entry]})


async def test_what_is_handed_over_arrives_as_it_was(operator: Operator) -> None:
    other = replace(ENTRY, type=LogType.DEPLOY, message="ü \u202e\x00\x1b[31m", pr_number=None, metadata={})
    assert await operator.post(batch(ENTRY, other)) == (204, "")
    assert operator.taken == [ENTRY, other]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
async def test_without_the_token_nothing_is_taken(operator: Operator, headers: dict[str, str]) -> None:
    assert (await operator.post(batch(), headers))[0] == 401
    assert operator.taken == []


async def test_the_same_batch_again_is_not_kept_twice(operator: Operator) -> None:
    for name in ("batch-01", "batch-01", "batch-02"):
        assert (await operator.post(batch(name=name)))[0] == 204
    assert len(operator.taken) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "container"},
        {"repository": "acme"},
        {"incarnation": ""},
        {"incarnation": "a b"},
        {"previewId": "../pr-1"},
        {"commit": "main"},
        {"createdAt": "2026-01-01T00:00:00"},
        {"message": "x" * 16_385},
        {"metadata": {"a": None}},
        {"metadata": {"a b": "c"}},
        {"metadata": {f"k{number}": 1 for number in range(21)}},
        {"stream": "stdout"},
        {"prNumber": 0},
    ],
)
async def test_what_is_no_entry_of_the_bridge_is_refused_whole(
    operator: Operator, fields: dict[str, Any]
) -> None:
    status, why = await operator.post(changed(**fields))
    assert (status, operator.taken) == (422, [])
    assert why.startswith(f"entries.0.{next(iter(fields))}")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"id": "batch-01", "entries": []}', b"[" * 9999]
)
async def test_what_is_no_batch_is_refused(operator: Operator, body: bytes) -> None:
    assert (await operator.post(body))[0] == 422
    assert operator.taken == []


async def test_too_many_entries_and_too_many_bytes_are_refused(operator: Operator) -> None:
    one = Handed.of(ENTRY).model_dump_json(by_alias=True)
    many = f'{{"id": "batch-01", "entries": [{",".join([one] * (ENTRIES_MAX + 1))}]}}'
    assert (await operator.post(many))[0] == 422
    assert (await operator.post(" " * BODY_MAX + batch()))[0] == 413
    assert operator.taken == []


async def test_a_body_that_grows_on_the_way_is_cut_off(operator: Operator) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_MAX // 65536 + 2):
            yield b" " * 65536

    async with operator.client.post(LOG_PATH, data=endless(), headers=AUTHORIZED) as response:
        assert response.status == 413


async def test_while_there_is_no_room_the_bridge_is_told_to_come_again(operator: Operator) -> None:
    operator.sink.emptied.clear()
    assert (await operator.post(batch()))[0] == 503
    assert operator.taken == []
    operator.sink.emptied.set()
    assert (await operator.post(batch()))[0] == 204
    assert operator.taken == [ENTRY]


async def test_nothing_is_taken_where_nobody_keeps_it() -> None:
    feed = ConfigurationFeed(RouteTable(), settings())
    async with TestClient(TestServer(provider_app(feed, TOKEN, Health(ManualClock())))) as client:
        async with client.post(LOG_PATH, data=batch(), headers=AUTHORIZED) as response:
            assert response.status == 404


def test_both_sides_mean_the_same_path() -> None:
    assert PATH == LOG_PATH
