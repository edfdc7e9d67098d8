"""What services use, as metrics. Labels are the slug, which the operator gives, and the service's name, which
the schema of a Preview checks.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.usage.meter import Meter

LABELS = ("slug", "service")


class UsageMetrics(Collector):
    """Shows a meter, when somebody asks."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked for when this is registered."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """What the last round found."""
        cpu = CounterMetricFamily(
            "previewcloud_container_cpu_seconds",
            "CPU time that the instances of a service used.",
            labels=LABELS,
        )
        for service, seconds in self._meter.cpu_seconds.items():
            cpu.add_metric(service, seconds)
        memory = GaugeMetricFamily(
            "previewcloud_container_memory_bytes",
            "Memory that the instances of a service hold, without page cache not used lately.",
            labels=LABELS,
        )
        limit = GaugeMetricFamily(
            "previewcloud_container_memory_limit_bytes",
            "Memory that the instances of a service may hold.",
            labels=LABELS,
        )
        for service, figures in self._meter.figures.items():
            memory.add_metric(service, figures.memory_bytes)
            limit.add_metric(service, figures.memory_limit_bytes)
        yield from (cpu, memory, limit)
