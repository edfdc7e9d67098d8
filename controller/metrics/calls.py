"""Metrics of what the operator asks others for: the engine, the API server, and builds."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
BUILD_SECONDS = (1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)
BUILD_RESULTS = ("built", "failed", "refused", "timeout", "cancelled", "unavailable")


class EngineMetrics:
    """Counts for the wire to the engine."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "previewcloud_engine_calls",
            "Calls to the container engine, by operation and result.",
            ["operation", "result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "previewcloud_engine_call_duration",
            "How long the engine took to answer a call, by operation; of a stream, until it began.",
            ["operation"],
            unit="seconds",
            buckets=CALL_SECONDS,
            registry=registry,
        )

    def called(self, operation: str, result: str, seconds: float) -> None:
        """Count a call that is over; operation and result are of closed sets."""
        self._calls.labels(operation, result).inc()
        self._seconds.labels(operation).observe(seconds)


class ClusterMetrics:
    """Counts for the wire to the API server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._writes = Counter(
            "previewcloud_api_writes",
            "Writes to the Kubernetes API, by the kind of object and the result.",
            ["kind", "result"],
            registry=registry,
        )

    def wrote(self, kind: str, result: str) -> None:
        """Count a write that was answered, or that nobody answered."""
        self._writes.labels(kind, result).inc()


class BuildMetrics:
    """Counts for the builder."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._builds = Counter(
            "previewcloud_builds", "Image builds that are over, by result.", ["result"], registry=registry
        )
        self._running = Gauge("previewcloud_builds_running", "Image builds that run now.", registry=registry)
        self._seconds = Histogram(
            "previewcloud_build_duration",
            "How long an image build took, without the wait for a free slot.",
            unit="seconds",
            buckets=BUILD_SECONDS,
            registry=registry,
        )
        for result in BUILD_RESULTS:
            self._builds.labels(result)

    def began(self) -> None:
        """A build has a slot, and runs."""
        self._running.inc()

    def ended(self, result: str, seconds: float) -> None:
        """It is over; the result is one of BUILD_RESULTS."""
        self._running.dec()
        self._builds.labels(result).inc()
        self._seconds.observe(seconds)
