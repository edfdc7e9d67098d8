"""Probes: a silent watch is told from an API server that is away, and nobody is asked for nothing."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from controller.api.errors import BackendUnavailable
from controller.assembly_vitals import Vitals
from controller.cluster.memory import MemoryCluster
from controller.health import Health
from controller.lag import EVERY_SECONDS, LoopLag
from controller.probes import SILENT_SECONDS, Liveness, Pulse
from tests.unit.controller.manual_clock import ManualClock


class ApiServer:
    """Answers, or not; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.hangs = False

    async def check(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise BackendUnavailable("ClusterUnavailable", "It does not answer.")


def living() -> tuple[ManualClock, Pulse, ApiServer, Liveness]:
    clock, server = ManualClock(), ApiServer()
    pulse = Pulse(clock)
    return clock, pulse, server, Liveness(pulse, server.check)


async def test_while_the_watch_beats_nobody_is_asked() -> None:
    clock, pulse, server, liveness = living()
    for _ in range(10):
        await clock.advance(SILENT_SECONDS)
        assert await liveness.trouble() == ""
        pulse.beat()
    assert server.asked == 0


async def test_a_silent_watch_is_dead_when_the_api_server_answers() -> None:
    clock, pulse, _, liveness = living()
    await clock.advance(SILENT_SECONDS + 1)
    assert "should be restarted" in await liveness.trouble()
    pulse.beat()
    assert await liveness.trouble() == ""


async def test_an_api_server_that_is_away_is_no_reason_to_restart() -> None:
    clock, _, server, liveness = living()
    server.away = True
    for _ in range(30):
        await clock.advance(60)
        assert await liveness.trouble() == ""


async def test_once_it_is_back_the_watch_has_its_time_again() -> None:
    clock, pulse, server, liveness = living()
    server.away = True
    await clock.advance(1000)
    assert await liveness.trouble() == ""
    server.away = False
    await clock.advance(SILENT_SECONDS - 1)
    assert await liveness.trouble() == ""
    await clock.advance(2)
    assert await liveness.trouble() != ""
    pulse.beat()
    await clock.advance(SILENT_SECONDS + 1)
    assert await liveness.trouble() != "", "an excuse of an earlier outage counts no more"


async def test_an_api_server_that_hangs_keeps_no_probe_waiting() -> None:
    clock, _, server, liveness = living()
    server.hangs = True
    await clock.advance(SILENT_SECONDS + 1)
    async with asyncio.timeout(10):
        assert await liveness.trouble() == ""


async def test_readiness_counts_cluster_engine_and_databases_alone() -> None:
    clock, cluster, docker = ManualClock(), MemoryCluster(), ApiServer()
    health = Health(clock)
    orphans = ApiServer()
    health.watch("docker", docker.check)
    health.watch("orphans", orphans.check)
    vitals = Vitals.of(cluster, health, clock)
    vitals.pulse.beat()
    app = vitals.probed(web.Application())
    orphans.away = True
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/readyz")
        assert (response.status, await response.text()) == (200, "docker: ok\ncluster: ok\n")
        docker.away, cluster.available = True, False
        await clock.advance(5)
        response = await client.get("/readyz")
        assert response.status == 503
        assert "docker: It does not answer.\n" in await response.text()
        assert (await client.get("/healthz")).status == 200, "that is no reason to restart"


async def test_an_operator_is_not_ready_before_its_watch_was_opened() -> None:
    clock = ManualClock()
    vitals = Vitals.of(MemoryCluster(), Health(clock), clock)
    async with TestClient(TestServer(vitals.probed(web.Application()))) as client:
        response = await client.get("/readyz")
        assert (response.status, "has not been opened" in await response.text()) == (503, True)
        vitals.pulse.beat()
        await clock.advance(5)
        assert (await client.get("/readyz")).status == 200


async def test_probes_cost_the_backends_one_look_in_five_seconds() -> None:
    clock, docker = ManualClock(), ApiServer()
    health = Health(clock)
    health.watch("docker", docker.check)
    vitals = Vitals.of(MemoryCluster(), health, clock)
    vitals.pulse.beat()
    async with TestClient(TestServer(vitals.probed(web.Application()))) as client:
        for _ in range(20):
            assert (await client.get("/readyz")).status == 200
            assert (await client.get("/healthz")).status == 200
    assert docker.asked == 1


class BlockedClock(ManualClock):
    """Its sleepers wake up late, as when something holds the loop."""

    late = 0.0

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.seconds += self.late


async def test_how_late_the_loop_is_is_counted() -> None:
    clock, registry = BlockedClock(), CollectorRegistry()
    task = asyncio.create_task(LoopLag(registry, clock).run())
    await clock.advance(EVERY_SECONDS)
    clock.late = 0.3
    await clock.advance(EVERY_SECONDS)
    task.cancel()

    def upto(seconds: str) -> float | None:
        return registry.get_sample_value("previewcloud_event_loop_lag_seconds_bucket", {"le": seconds})

    assert (upto("0.005"), upto("0.25"), upto("0.5")) == (1.0, 1.0, 2.0)
