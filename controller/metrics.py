"""Metrics of the operator: GET /metrics on a port of their own. No label holds a name that anybody chose.

governor, sweeper ──▶ counters ┐
fleet: phases, who runs, waits ┴──▶ /metrics, when somebody asks
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from controller.api.holdings import HoldingKind
from controller.api.status import Phase

PATH = "/metrics"
PENDING = "Pending"
"""Stands for the phase of a preview that has none yet."""

Phases = Callable[[], Iterable[Phase | None]]


class Metrics:
    """What is counted, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "previewcloud_decisions",
            "Decisions about a preview that changed what becomes of it, by the decision and its reason.",
            ["decision", "reason"],
            registry=self.registry,
        )
        self._removed = Counter(
            "previewcloud_orphans_removed",
            "Things that belonged to no Preview any more and were removed, by kind.",
            ["kind"],
            registry=self.registry,
        )
        self._refused = Counter(
            "previewcloud_sweeps_refused",
            "Looks for orphans that removed nothing because too much would have gone.",
            registry=self.registry,
        )
        self._unseen = Counter(
            "previewcloud_access_failures",
            "Looks at the visits that the proxy did not answer.",
            registry=self.registry,
        )
        for kind in HoldingKind:
            self._removed.labels(str(kind))

    def decided(self, decision: str, reason: str) -> None:
        """Count a decision (run, sleep, queue, expire, refuse) with its reason."""
        self._decisions.labels(decision, reason).inc()

    def visits_unknown(self) -> None:
        """Count a look at the visits that was in vain."""
        self._unseen.inc()

    def removed(self, kind: HoldingKind) -> None:
        """Count an orphan that is gone."""
        self._removed.labels(str(kind)).inc()

    def sweep_refused(self) -> None:
        """Count a sweep that removed nothing for safety."""
        self._refused.inc()

    def watch(self, phases: Phases, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Show how previews stand, whenever somebody asks.

        Args:
            phases: of every preview, its phase.
            running: how many count against the limits.
            waiting: how many stand in the queue.
        """
        self.registry.register(_Standing(phases, running, waiting))

    def app(self) -> web.Application:
        """What is served."""
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(self.registry), headers=headers)  # type: ignore[no-untyped-call]


class _Standing(Collector):
    """Counted when somebody asks."""

    def __init__(self, phases: Phases, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        self._phases, self._running, self._waiting = phases, running, waiting

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "previewcloud_operator_previews", "Previews that the operator knows, by phase.", labels=["phase"]
        )
        found = Tally(str(phase or PENDING) for phase in self._phases())
        for phase in (PENDING, *map(str, Phase)):
            family.add_metric([phase], found[phase])
        yield family
        yield GaugeMetricFamily(
            "previewcloud_running", "Previews that count against the limits now.", self._running()
        )
        yield GaugeMetricFamily("previewcloud_queue_length", "Previews that wait to run.", self._waiting())
        yield GaugeMetricFamily(
            "previewcloud_sleeping", "Previews that are asleep.", found[str(Phase.SLEEPING)]
        )
