"""Everything that both processes count, each of it moved once, as somebody reads it who scrapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from controller.api.holdings import HoldingKind
from controller.api.status import Phase
from controller.assembly_routing import Expiries
from controller.clock import WallClock
from controller.core.timed import TimedStage
from controller.lag import LoopLag
from controller.logs.protocol import LogType
from controller.metrics import Metrics
from controller.passes import Ending, Trigger
from controller.routing.settings import Certificates
from controller.usage.metrics import UsageMetrics
from webhook.metrics import Metrics as BridgeMetrics

OF_THE_FORM = frozenset({"le"})
"""Labels that a type of metric has by itself."""


@dataclass(frozen=True)
class Figure:
    """A metric as it is shown."""

    name: str
    """As its samples are called, a histogram's without what they end in."""
    type: str
    labels: tuple[str, ...]
    meaning: str


def of_the_operator() -> CollectorRegistry:
    """The operator's registry."""
    metrics = Metrics("1.2.3")
    metrics.lives.watch(lambda: (Phase.RUNNING,), lambda: 1, lambda: 0)
    metrics.lives.watch_disk(lambda: 3, 2)
    metrics.lives.decided("sleep", "Evicted")
    metrics.lives.removed(HoldingKind.DATABASE)
    metrics.passes.ended(Trigger.CREATED, Ending.CHANGED, 1.0, {TimedStage.BUILD: 0.5})
    metrics.engine.called("container_create", "ok", 0.1)
    metrics.cluster.wrote("preview_status", "ok")
    metrics.builds.began()
    metrics.builds.ended("built", 1.0)
    metrics.logs.stored(Counter({LogType.BUILD: 1}))
    metrics.logs.lost(1)
    metrics.logs.left_out(1)
    LoopLag(metrics.registry, WallClock())
    used = SimpleNamespace(memory_bytes=1, memory_limit_bytes=2)
    meter: Any = SimpleNamespace(cpu_seconds={("pr-1", "web"): 1.0}, figures={("pr-1", "web"): used})
    metrics.registry.register(UsageMetrics(meter))
    pair: Any = SimpleNamespace(pair=SimpleNamespace(expires=datetime(2030, 1, 1, tzinfo=UTC)))
    metrics.registry.register(Expiries(Certificates(listener=pair)))
    return metrics.registry


def of_the_bridge() -> CollectorRegistry:
    """The bridge's registry."""
    metrics = BridgeMetrics(tuple)
    metrics.delivery("push", "accepted")
    metrics.request("POST", "/api/previews", 201, 0.1)
    metrics.rate_left(4999)
    metrics.wake("asked")
    metrics.held(1)
    metrics.forwarded("answered")
    metrics.page("asleep")
    LoopLag(metrics.registry, WallClock())
    return metrics.registry


def shown(registry: CollectorRegistry) -> Iterator[Figure]:
    """What a registry shows, by name, as a parser of OpenMetrics reads it."""
    text = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    for family in sorted(families, key=lambda family: str(family.name)):
        labels = {label for sample in family.samples for label in sample.labels} - OF_THE_FORM
        ending = {"counter": "_total", "info": "_info"}.get(family.type, "")
        yield Figure(f"{family.name}{ending}", family.type, tuple(sorted(labels)), family.documentation)
