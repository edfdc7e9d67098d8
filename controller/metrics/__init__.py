"""Metrics of the operator: GET /metrics on a port of their own. No label holds a name that anybody chose.

governor, sweeper ─────────────────────▶ lives  ┐
workers: passes and their stages ──────▶ passes ┤
engine, API server, builder ───────────▶ calls  ┼──▶ one registry ──▶ /metrics, when somebody asks
writer of previews' logs ──────────────▶ logs   ┘

Whoever is counted knows a protocol or a callable of its own, and nothing of Prometheus.
"""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry, Info
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from controller.metrics.calls import BuildMetrics, ClusterMetrics, EngineMetrics
from controller.metrics.lives import LifeMetrics
from controller.metrics.logs import LogMetrics
from controller.metrics.passes import PassMetrics

PATH = "/metrics"


class Metrics:
    """What is counted, in a registry of its own.

    Args:
        version: of the operator.
    """

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.lives = LifeMetrics(self.registry)
        self.passes = PassMetrics(self.registry)
        self.engine = EngineMetrics(self.registry)
        self.cluster = ClusterMetrics(self.registry)
        self.builds = BuildMetrics(self.registry)
        self.logs = LogMetrics(self.registry)
        about = Info("previewcloud_build", "The version that runs.", registry=self.registry)
        about.info({"version": version})

    def app(self) -> web.Application:
        """What is served."""
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(self.registry), headers=headers)  # type: ignore[no-untyped-call]
