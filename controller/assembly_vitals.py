"""The part of the assembly by which the operator is looked after: its probes, the lag of its loop, and what
previews use.

    cluster, health ──▶ Vitals ──▶ METRICS_LISTEN: /healthz, /readyz
    engine ──▶ rounds ──▶ meter ──▶ metrics, GET /usage
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry

from controller.assembly_logs import running
from controller.clock import Clock
from controller.cluster.protocol import Cluster
from controller.health import Health
from controller.lag import LoopLag
from controller.probes import Liveness, Pulse, add_probes, ready
from controller.runtime.usage import UsageSource
from controller.settings import Settings
from controller.usage.meter import Meter
from controller.usage.metrics import UsageMetrics
from controller.usage.rounds import rounds

READY_BY = frozenset({"cluster", "docker", "databases"})
"""Parts of the operator's health without which it can do nothing for a preview."""


@dataclass(frozen=True)
class Vitals:
    """What tells how the operator is, and what its previews use."""

    pulse: Pulse
    """Of the watch of Previews."""
    meter: Meter
    liveness: Liveness
    health: Health

    @classmethod
    def of(cls, cluster: Cluster, health: Health, clock: Clock) -> Vitals:
        """Those of an operator on this cluster; its health answers for the cluster too from now on."""
        pulse = Pulse(clock)

        async def watched() -> None:
            await cluster.check()
            pulse.require()

        health.watch("cluster", watched)
        return cls(pulse, Meter(), Liveness(pulse, cluster.check), health)

    def probed(self, app: web.Application) -> web.Application:
        """The application, with the probes in it."""
        add_probes(app, self.liveness.answer, ready(self.health, READY_BY))
        return app


@asynccontextmanager
async def open_measuring(
    settings: Settings, clock: Clock, source: UsageSource, vitals: Vitals, registry: CollectorRegistry
) -> AsyncIterator[None]:
    """The loop's lag and what previews use are measured while this is open, by the settings' interval."""
    registry.register(UsageMetrics(vitals.meter))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(LoopLag(registry, clock).run, clock))
        if settings.usage_interval:
            measure = rounds(source, vitals.meter, clock, settings.usage_interval)
            await stack.enter_async_context(running(measure, clock))
        yield
