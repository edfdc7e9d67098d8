"""The meter: CPU time that only grows, whatever becomes of instances, and what services use now."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from controller.api.errors import BackendUnavailable
from controller.health import Health
from controller.routing.endpoint import Others, provider_app
from controller.routing.feed import ConfigurationFeed
from controller.routing.table import RouteTable
from controller.runtime.usage import Sample
from controller.usage.endpoint import answer, shown
from controller.usage.meter import KEPT_SECONDS, Meter, Service
from controller.usage.metrics import UsageMetrics
from controller.usage.rounds import rounds
from tests.unit.controller.manual_clock import ManualClock
from tests.unit.routing.examples import TOKEN, settings

WEB = Service("pr-1", "web")
MIB = 1024**2


def sample(identity: str, at: float, cpu: float, service: str = "web", slug: str = "pr-1") -> Sample:
    return Sample(identity, slug, service, at, cpu, 40 * MIB, 512 * MIB)


def test_cpu_time_goes_on_when_an_instance_is_replaced() -> None:
    meter = Meter()
    meter.take([sample("old", 0, 10.0)], 0)
    meter.take([sample("old", 15, 12.0), sample("new", 15, 0.5)], 15)
    meter.take([sample("new", 30, 1.5)], 30)
    assert meter.cpu_seconds == {WEB: pytest.approx(13.5)}


def test_cpu_time_goes_on_when_an_instance_is_started_again() -> None:
    meter = Meter()
    meter.take([sample("one", 0, 10.0)], 0)
    meter.take([sample("one", 15, 0.5)], 15)
    meter.take([], 30)
    meter.take([sample("one", 45, 2.0)], 45)
    assert meter.cpu_seconds == {WEB: pytest.approx(12.5)}


def test_a_round_that_failed_counts_nothing_twice() -> None:
    meter = Meter()
    meter.take([sample("one", 0, 10.0)], 0)
    meter.unknown()
    assert meter.figures == {}
    meter.take([sample("one", 60, 16.0)], 60)
    assert meter.cpu_seconds == {WEB: pytest.approx(16.0)}
    assert meter.figures[WEB].cpu_cores == pytest.approx(0.1)


def test_instances_of_one_service_are_added_up() -> None:
    meter = Meter()
    meter.take([sample("a", 0, 1.0), sample("b", 0, 1.0)], 0)
    assert meter.figures[WEB].cpu_cores is None
    meter.take([sample("a", 10, 2.0), sample("b", 10, 3.0), sample("c", 10, 0.1, "api")], 10)
    figures = meter.figures[WEB]
    assert (figures.instances, figures.memory_bytes) == (2, 80 * MIB)
    assert figures.memory_limit_bytes == 1024 * MIB
    assert figures.cpu_cores == pytest.approx(0.3)
    assert meter.figures[Service("pr-1", "api")].instances == 1


def test_what_is_gone_for_an_hour_is_forgotten() -> None:
    meter = Meter()
    meter.take([sample("one", 0, 10.0), sample("two", 0, 1.0, slug="pr-2")], 0)
    meter.take([sample("one", KEPT_SECONDS, 11.0)], KEPT_SECONDS)
    assert set(meter.cpu_seconds) == {WEB, Service("pr-2", "web")}
    meter.take([sample("one", KEPT_SECONDS + 1, 12.0)], KEPT_SECONDS + 1)
    assert set(meter.cpu_seconds) == {WEB}


def test_it_is_shown_as_metrics() -> None:
    meter, registry = Meter(), CollectorRegistry()
    registry.register(UsageMetrics(meter))
    meter.take([sample("one", 0, 10.5), replace(sample("two", 0, 1.0), slug="pr-2")], 0)
    meter.take([sample("one", 15, 11.5)], 15)

    def value(name: str, slug: str) -> float | None:
        labels = {"slug": slug, "service": "web"}
        return registry.get_sample_value(f"previewcloud_container_{name}", labels)

    assert value("cpu_seconds_total", "pr-1") == 11.5
    assert value("cpu_seconds_total", "pr-2") == 1.0
    assert value("memory_bytes", "pr-1") == 40 * MIB
    assert value("memory_limit_bytes", "pr-1") == 512 * MIB
    assert value("memory_bytes", "pr-2") is None, "it does not run any more"


async def test_the_bridge_reads_it_by_token() -> None:
    meter, table = Meter(), RouteTable()
    meter.take([sample("one", 0, 10.0)], 0)
    meter.take([sample("one", 10, 10.25)], 10)
    others = Others(show_usage=answer(meter))
    app = provider_app(ConfigurationFeed(table, settings()), TOKEN, Health(ManualClock()), others=others)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/usage")).status == 401
        response = await client.get("/usage", headers={"Authorization": f"Bearer {TOKEN}"})
        assert await response.json() == shown(meter)
    usage = {"instances": 1, "cpuCores": 0.025, "memoryBytes": 40 * MIB, "memoryLimitBytes": 512 * MIB}
    assert shown(meter) == {"pr-1": {"web": usage}}


class Engine:
    """Takes its time for a round, or fails."""

    def __init__(self, clock: ManualClock, seconds: float = 0.0) -> None:
        self.clock, self.seconds = clock, seconds
        self.began: list[float] = []
        self.away = False

    async def sample(self) -> tuple[Sample, ...]:
        self.began.append(self.clock.monotonic())
        if self.away:
            raise BackendUnavailable("EngineUnavailable", "It does not answer.")
        await self.clock.sleep(self.seconds)
        return (sample("one", self.clock.monotonic(), 1.0),)


@pytest.mark.parametrize(
    ("took", "began"), [(1.0, [0.0, 15.0, 30.0, 45.0, 60.0]), (6.0, [0.0, 30.0, 60.0])], ids=["fast", "slow"]
)
async def test_rounds_keep_their_interval_and_never_keep_the_engine_busy(
    took: float, began: list[float]
) -> None:
    clock = ManualClock()
    engine = Engine(clock, took)
    task = asyncio.create_task(rounds(engine, Meter(), clock, 15.0)())
    await clock.advance(61)
    task.cancel()
    assert engine.began == began


async def test_an_engine_that_is_away_is_told_once_and_asked_on() -> None:
    clock, meter = ManualClock(), Meter()
    engine = Engine(clock)
    task = asyncio.create_task(rounds(engine, meter, clock, 15.0)())
    await clock.advance(1)
    assert meter.figures
    engine.away = True
    with capture_logs() as logs:
        await clock.advance(45)
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert meter.figures == {}
    engine.away = False
    await clock.advance(15)
    assert meter.figures
    task.cancel()
