"""Metrics of the bridge: GET /metrics. No label holds a name that a stranger chose."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from controller import __version__
from controller.api.preview import Preview
from controller.api.status import Phase

REQUEST_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
EVENTS = frozenset({"pull_request", "push", "issue_comment", "ping"})


class VisitMetrics:
    """Counts for the door to previews that nothing serves."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._wakes = Counter(
            "previewcloud_wakes",
            "Sleeping previews that visitors woke: asked, or failed where the cluster did not take that.",
            ["outcome"],
            registry=registry,
        )
        self._held = Gauge(
            "previewcloud_held_requests", "Requests held until a preview is awake.", registry=registry
        )
        self._forwarded = Counter(
            "previewcloud_forwarded_requests",
            "Requests to previews that had been asleep: answered by the application, missed and tried again, "
            "broken, refused.",
            ["outcome"],
            registry=registry,
        )
        self._pages = Counter(
            "previewcloud_pages",
            "Answers about a preview in its place, by its state.",
            ["state"],
            registry=registry,
        )

    def wake(self, outcome: str) -> None:
        """Count a wish to wake: asked, failed."""
        self._wakes.labels(outcome).inc()

    def held(self, requests: int) -> None:
        """Note how many requests are held."""
        self._held.set(requests)

    def forwarded(self, outcome: str) -> None:
        """Count what became of a request to a preview that had been asleep."""
        self._forwarded.labels(outcome).inc()

    def page(self, state: str) -> None:
        """Count a page, or a line, in a preview's place."""
        self._pages.labels(state).inc()


class Metrics(VisitMetrics):
    """What is counted."""

    def __init__(self, previews: Callable[[], Sequence[Preview]]) -> None:
        self.registry = CollectorRegistry()
        super().__init__(self.registry)
        self._deliveries = Counter(
            "previewcloud_webhook_deliveries",
            "Deliveries by event and result: accepted, ignored or the code of a refusal.",
            ["event", "result"],
            registry=self.registry,
        )
        self._rate_left = Gauge(
            "previewcloud_github_rate_limit_left",
            "Requests that GitHub still answers until its limit begins anew.",
            unit="requests",
            registry=self.registry,
        )
        self._requests = Counter(
            "previewcloud_api_requests",
            "Requests to API, pages and webhook by method, route and status; other: there is no such route.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "previewcloud_api_request_duration",
            "How long an answer took, by method and route; of a stream of log lines, until it ended.",
            ["method", "route"],
            unit="seconds",
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_Phases(previews))
        about = Info("previewcloud_build", "The version that runs.", registry=self.registry)
        about.info({"version": __version__})

    def delivery(self, event: str, result: str) -> None:
        """Count a delivery; events that mean nothing here are counted as one."""
        self._deliveries.labels(event if event in EVENTS else "other", result).inc()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered; the route is a template."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def rate_left(self, requests: int) -> None:
        """Note what GitHub says is left."""
        self._rate_left.set(requests)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer GET /metrics, in the form of OpenMetrics."""
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(self.registry), headers=headers)  # type: ignore[no-untyped-call]


class _Phases(Collector):
    """Previews by phase, counted when somebody asks."""

    def __init__(self, previews: Callable[[], Sequence[Preview]]) -> None:
        self._previews = previews

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily("previewcloud_previews", "Previews by phase.", labels=["phase"])
        found = Tally(str(preview.status.phase or "Pending") for preview in self._previews())
        for phase in ("Pending", *map(str, Phase)):
            family.add_metric([phase], found[phase])
        yield family
