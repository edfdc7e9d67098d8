"""A door behind a real Traefik, and a played operator that stops and starts real containers.

request ──▶ Traefik: page router ──▶ door ──▶ wish ──▶ operator: docker start, ready, status, routes
                   └── afterwards: the instance    └──▶ probe entry point ──▶ instance
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from docker.models.containers import Container

from controller.api.names import SLUG_ANNOTATION, WAKE, PreviewKey
from controller.api.preview import Preview, parse
from controller.api.status import Phase
from controller.clock import WallClock
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.previews import OnePreview, go_live, ready
from tests.integration.routing.proxy import Behaviour, Proxy
from webhook.cluster.memory import MemoryCluster
from webhook.metrics import Metrics
from webhook.settings import BridgeSettings
from webhook.visit.forward import open_session
from webhook.visit.serve import OPTIONS, visits


@dataclass
class Site:
    """What a test looks at, and the operator's part."""

    proxy: Proxy
    router: TraefikRouter
    cluster: MemoryCluster
    wishes: dict[PreviewKey, list[str]] = field(default_factory=dict)
    sleepers: dict[PreviewKey, Sleeper] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def operate(self, found: Preview, gone: bool) -> None:
        """Meet each new wish to wake."""
        wish = found.metadata.annotations.get(WAKE, "")
        met = self.wishes.setdefault(found.key, [])
        if gone or not wish or wish in met:
            return
        met.append(wish)
        task = asyncio.create_task(self.sleepers[found.key].wake(wish))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def asleep(self, users: str | None = None, delay: float = 0) -> Sleeper:
        """A preview that served and was put to sleep since; `delay`: seconds before it listens again."""
        sleeper = Sleeper(self, OnePreview(users=users))
        self.sleepers[sleeper.one.key] = sleeper
        await sleeper.begin(delay)
        return sleeper


@dataclass
class Sleeper:
    """One preview, and the container that serves it."""

    site: Site
    one: OnePreview
    container: Container | None = None
    routed: bool = True
    """Its routes lead to it again once it is awake."""

    @property
    def host(self) -> str:
        return self.one.host

    @property
    def instance(self) -> str:
        return self.one.instance("a").name

    @property
    def wishes(self) -> list[str]:
        """The wishes to wake that were met."""
        return self.site.wishes.get(self.one.key, [])

    async def begin(self, delay: float) -> None:
        """Serve, then fall asleep as the operator has it: status, page, stop."""
        spec = self.one.instance("a")
        self.container = await asyncio.to_thread(self.site.proxy.start, spec, Behaviour(delay=delay))
        await go_live(self.site.router, self.one, spec.name)
        self.site.cluster.put(parse(self._body()))
        await self.sleep()

    async def sleep(self) -> None:
        """Fall asleep."""
        self._status(Phase.SLEEPING, "exited")
        self.site.router.publish(self.one.key, self.one.route(None))
        await self.site.router.confirm(self.one.key, 30)
        assert self.container is not None
        await asyncio.to_thread(self.container.stop, timeout=1)

    async def wake(self, wish: str) -> None:
        """Start, wait, say so, and lead visitors there."""
        assert self.container is not None
        await asyncio.to_thread(self.container.start)
        await ready(self.site.router, self.instance)
        self._status(Phase.RUNNING, "running", wake_handled=wish)
        if self.routed:
            self.site.router.publish(self.one.key, self.one.route(self.instance))
            await self.site.router.confirm(self.one.key, 30)

    def _status(self, phase: Phase, state: str, **more: Any) -> None:
        service = {"name": "web", "state": state, "instance": self.instance, "url": f"http://{self.host}"}
        self.site.cluster.set_status(self.one.key, phase=phase, services=(service,), **more)

    def _body(self) -> dict[str, Any]:
        slug, commit = self.one.slug, "a" * 40
        number = int(slug.removeprefix("pr-"))
        return {
            "metadata": {
                "name": self.one.key.name,
                "namespace": self.one.key.namespace,
                "uid": slug,
                "annotations": {SLUG_ANNOTATION: slug},
            },
            "spec": {
                "source": {
                    "repository": "acme/shop",
                    "pullRequest": number,
                    "commit": commit,
                    "trust": "trusted",
                }
            },
            "status": {"slug": slug, "phase": "Running", "commit": commit},
        }


@asynccontextmanager
async def opened(proxy: Proxy, router: TraefikRouter, **settings: Any) -> AsyncIterator[Site]:
    """The door where Traefik looks for it."""
    given = BridgeSettings.model_validate({"traefik_probe_url": proxy.settings.probe_url, **settings})
    cluster = MemoryCluster()
    async with open_session() as session:
        app = visits(given, cluster, WallClock(), Metrics(cluster.previews), session)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, **OPTIONS)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", proxy.ports["catchall"]).start()
        site = Site(proxy, router, cluster)
        cluster.listen(site.operate)
        try:
            yield site
        finally:
            await runner.cleanup()
