"""Metrics of the life of previews: what the governor decides, what the sweep removes, how previews stand."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.api.holdings import HoldingKind
from controller.api.status import Phase

PENDING = "Pending"
"""Stands for the phase of a preview that has none yet."""

Phases = Callable[[], Iterable[Phase | None]]


class LifeMetrics:
    """Counts for the governor and the sweep."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._decisions = Counter(
            "previewcloud_decisions",
            "Decisions about a preview that changed what becomes of it, by the decision and its reason.",
            ["decision", "reason"],
            registry=registry,
        )
        self._removed = Counter(
            "previewcloud_orphans_removed",
            "Things that belonged to no Preview any more and were removed, by kind.",
            ["kind"],
            registry=registry,
        )
        self._refused = Counter(
            "previewcloud_sweeps_refused",
            "Looks for orphans that removed nothing because too much would have gone.",
            registry=registry,
        )
        self._unseen = Counter(
            "previewcloud_access_failures",
            "Looks at the visits that the proxy did not answer.",
            registry=registry,
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
        self._registry.register(_Standing(phases, running, waiting))

    def watch_disk(self, free: Callable[[], int | None], required: int) -> None:
        """Show how much room the engine has, whenever somebody asks.

        Args:
            free: bytes, as last seen; None while that is not known.
            required: bytes below which no image is built; 0: nobody looks.
        """
        if required:
            self._registry.register(_Disk(free, required))


class _Disk(Collector):
    """What was seen last."""

    def __init__(self, free: Callable[[], int | None], required: int) -> None:
        self._free, self._required = free, required

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        free = GaugeMetricFamily(
            "previewcloud_engine_disk_free_bytes",
            "Room on the engine's disk when it was last looked at: at each clean-up, and before builds.",
        )
        if (seen := self._free()) is not None:
            free.add_metric([], seen)
        yield free
        yield GaugeMetricFamily(
            "previewcloud_engine_disk_required_bytes",
            "Room below which no image is built (MIN_FREE_DISK).",
            self._required,
        )


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
