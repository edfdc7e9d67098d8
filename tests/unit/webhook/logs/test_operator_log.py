"""Bridge and operator together, on loopback: what is told here stands in the sink there."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from controller.clock import WallClock
from controller.health import Health
from controller.logs.intake import LogIntake
from controller.logs.memory import MemorySink
from controller.routing.endpoint import Others, provider_app
from controller.routing.feed import ConfigurationFeed
from controller.routing.table import RouteTable
from tests.unit.routing.examples import TOKEN, settings
from tests.unit.webhook.feedback.examples import preview
from tests.unit.webhook.rest.world import until
from webhook.cluster.memory import MemoryCluster
from webhook.logs.operator_log import open_handover
from webhook.logs.told import Said, Told, Unheard
from webhook.settings import BridgeSettings


def operator(sink: MemorySink) -> web.Application:
    feed = ConfigurationFeed(RouteTable(), settings())
    return provider_app(feed, TOKEN, Health(WallClock()), others=Others(take_entries=LogIntake(sink).post))


@asynccontextmanager
async def bridge(cluster: MemoryCluster, url: str, token: str = TOKEN) -> AsyncIterator[Told]:
    given = BridgeSettings.model_validate({"operator_url": url, "operator_token": token})
    numbers = itertools.count(1)
    async with open_handover(given, cluster, WallClock(), lambda: f"batch-{next(numbers):04}") as told:
        yield told


async def test_what_the_bridge_says_reaches_the_operators_sink() -> None:
    cluster, sink, made = MemoryCluster(), MemorySink(), preview()
    cluster.put(made)
    async with TestServer(operator(sink)) as server, bridge(cluster, f"{server.make_url('')}") as told:
        told.tell(made, Said("opened", "webhook"))
        cluster.hold(made.key, "pr-42")
        told.tell(made, Said("pinned", "ada"))
        await until(lambda: len(sink.entries) == 2)
    first, second = sink.entries
    assert [first.message, second.message] == ["opened", "pinned"]
    assert {first.preview_id, second.preview_id} == {"pr-42"}
    assert first.key == made.log_key
    assert first.created_at <= second.created_at


async def test_what_waits_when_the_bridge_ends_is_handed_over() -> None:
    cluster, sink, made = MemoryCluster(), MemorySink(), preview()
    cluster.put(made)
    async with TestServer(operator(sink)) as server:
        async with bridge(cluster, f"{server.make_url('')}") as told:
            told.tell(made, Said("last words", "ada"))
        assert [entry.message for entry in sink.entries] == ["last words"]


async def test_a_wrong_token_hands_nothing_over_and_ends_in_time() -> None:
    cluster, sink, made = MemoryCluster(), MemorySink(), preview()
    async with TestServer(operator(sink)) as server:
        async with bridge(cluster, f"{server.make_url('')}", "wrong") as told:
            told.tell(made, Said("unheard", "ada"))
    assert list(sink.entries) == []


async def test_without_an_operators_address_nobody_is_told() -> None:
    async with bridge(MemoryCluster(), "") as told:
        assert isinstance(told, Unheard)
        told.tell(preview(), Said("unheard", "ada"))
