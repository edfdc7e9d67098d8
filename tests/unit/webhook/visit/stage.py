"""A door behind a real server, a played Traefik behind its probe entry point, and a played operator.

visitor ──▶ door ──▶ MemoryCluster ──▶ operator ──▶ Running, with an instance
              └────▶ played Traefik ──▶ whatever stands for that instance
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import ClientResponse, web
from prometheus_client.openmetrics.exposition import generate_latest

from controller.api.headers import FORWARD_HEADER, INSTANCE_HEADER, PAGE_HEADER
from controller.api.names import SLUG_ANNOTATION, WAKE, PreviewKey
from controller.api.preview import Preview, parse
from controller.api.status import Phase
from tests.unit.webhook.rest.world import Watch
from webhook.cluster.memory import MemoryCluster
from webhook.metrics import Metrics
from webhook.settings import BridgeSettings
from webhook.visit.forward import open_session
from webhook.visit.serve import OPTIONS, visits

SLUG, ROUTER, INSTANCE = "pr-42", "pr-42-web", "pr-42-web-abcdef01"
HOST = "pr-42-acme.web.localhost"
COMMIT = "a" * 40
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0"}
Application = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    """What the application was asked."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


async def greet(request: web.Request) -> web.StreamResponse:
    return web.Response(text="the application")


@dataclass
class Traefik:
    """The probe entry point: leads by its header to the instances there are, and names them in answers."""

    instances: dict[str, Application] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    missed: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        instance = request.headers.get(FORWARD_HEADER, "")
        if instance not in self.instances:
            self.missed += 1
            return web.Response(status=404, text="404 page not found\n")
        body = await request.read()
        headers = [(key.decode(), value.decode("utf-8", "replace")) for key, value in request.raw_headers]
        self.asked.append(Asked(request.method, request.raw_path, headers, body))
        return await self.instances[instance](request)

    async def name(self, request: web.Request, response: web.StreamResponse) -> None:
        instance = request.headers.get(FORWARD_HEADER, "")
        if instance in self.instances:
            response.headers[INSTANCE_HEADER] = instance


class SlowCluster(MemoryCluster):
    """Takes its time for a wish, as an API server does."""

    annotate_seconds = 0.0

    async def annotate(self, key: PreviewKey, annotations: Mapping[str, str | None]) -> None:
        await asyncio.sleep(self.annotate_seconds)
        await super().annotate(key, annotations)


@dataclass
class Stage:
    """All of it."""

    cluster: SlowCluster
    clock: Watch
    traefik: Traefik
    metrics: Metrics
    url: str
    session: aiohttp.ClientSession
    runner: web.AppRunner
    wishes: list[str] = field(default_factory=list)
    operating: bool = True
    application: Application = greet

    def preview(self, phase: Phase | None = Phase.SLEEPING, **more: Any) -> Preview:
        """One Preview that sleeps, or is in another phase."""
        return self.cluster.put(preview(phase, **more))

    def operate(self, found: Preview, gone: bool) -> None:
        """Meet each new wish, at once."""
        wish = found.metadata.annotations.get(WAKE, "")
        if gone or not wish or wish == found.status.wake_handled or wish in self.wishes:
            return
        self.wishes.append(wish)
        if self.operating:
            asyncio.get_running_loop().call_soon(self.serve)

    def serve(self, instance: str = INSTANCE, *, known: bool = True, **more: Any) -> None:
        """Its instance runs, and the status says so; `known`: Traefik knows it too."""
        if known:
            self.traefik.instances[instance] = self.application
        key = next(iter(self.cluster.previews())).key
        handled = self.wishes[-1] if self.wishes else None
        service = {"name": "web", "state": "running", "instance": instance, "url": f"http://{HOST}"}
        fields = {"phase": Phase.RUNNING, "wake_handled": handled, "services": (service,), **more}
        self.cluster.set_status(key, **fields)

    async def ask(
        self,
        method: str = "GET",
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        own: str = ROUTER,
        **more: Any,
    ) -> ClientResponse:
        """Ask as Traefik does that leads a visitor here, by the own router unless it is said otherwise."""
        given = {"Host": HOST, **({PAGE_HEADER: own} if own else {}), **(headers or {})}
        return await self.session.request(
            method, self.url + path, headers=given, allow_redirects=False, **more
        )

    async def text(self, *arguments: Any, **more: Any) -> tuple[int, str]:
        """Ask, and read the answer as text."""
        response = await self.ask(*arguments, **more)
        return response.status, await response.text()

    def counted(self, name: str) -> float:
        """A metric's value, by its name with its labels."""
        text = generate_latest(self.metrics.registry).decode()  # type: ignore[no-untyped-call]
        found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(found[0]) if found else 0.0


def preview(phase: Phase | None = Phase.SLEEPING, **more: Any) -> Preview:
    """A Preview of pull request 42 with one service; `status` and `spec` change what is in them."""
    served = phase in {Phase.SLEEPING, Phase.RUNNING}
    state = "running" if phase is Phase.RUNNING else "exited"
    service = {"name": "web", "state": state, "instance": INSTANCE, "url": f"http://{HOST}"}
    fields = {"commit": COMMIT, "services": [service]} if served else {}
    source = {"repository": "acme/shop", "pullRequest": 42, "commit": COMMIT, "trust": "trusted"}
    body = {
        "metadata": {
            "name": "acme-shop-pr-42",
            "namespace": "previews",
            "uid": "one",
            "annotations": {SLUG_ANNOTATION: SLUG, **more.get("annotations", {})},
            **more.get("metadata", {}),
        },
        "spec": {"source": source, **more.get("spec", {})},
        "status": {"slug": SLUG, **({"phase": phase} if phase else {}), **fields, **more.get("status", {})},
    }
    return parse(body)


def condition(kind: str, reason: str, status: str = "True") -> dict[str, str]:
    """A condition as the operator writes it."""
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}


@asynccontextmanager
async def stage(**settings: Any) -> AsyncIterator[Stage]:
    """The door with these settings."""
    traefik, clock = Traefik(), Watch()
    cluster = SlowCluster(clock=clock)
    metrics = Metrics(cluster.previews)
    probe = web.Application(client_max_size=64 * 1024 * 1024)
    probe.router.add_route("*", "/{path:.*}", traefik.answer)
    probe.on_response_prepare.append(traefik.name)
    async with (
        serving(probe, **OPTIONS) as (_, probe_url),
        open_session() as session,
        open_session() as visitor,
    ):
        given = {"traefik_probe_url": probe_url, "wake_timeout": 5, "preview_domain": "localhost", **settings}
        found = BridgeSettings.model_validate(given)
        door = visits(found, cluster, clock, metrics, session)
        async with serving(door, **OPTIONS) as (runner, url):
            made = Stage(cluster, clock, traefik, metrics, url, visitor, runner)
            cluster.listen(made.operate)
            yield made


@asynccontextmanager
async def serving(app: web.Application, **options: Any) -> AsyncIterator[tuple[web.AppRunner, str]]:
    """An application on a free port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, **options)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield runner, f"http://{host}:{port}"
    finally:
        await runner.cleanup()
