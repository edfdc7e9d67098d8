"""Handlers: the only module that knows kopf. The one handler hands the newest body to the fleet at once.

Raw events (`on.event`) and no change handlers: the worker is level-triggered and keeps its own finalizer,
so kopf's diffs, progress and queueing would only add writes, and would keep an annotation such as `abandon`
waiting behind a deletion that is being retried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import aiohttp
import kopf

from controller.api.names import GROUP
from controller.fleet import Fleet
from controller.probes import Pulse

VERSION = "v1alpha1"
PLURAL = "previews"
WATCH_SECONDS = 60.0
"""The API server ends each watch after this long, and it is opened again: a sign that it lives."""


class NoDiffs(kopf.DiffBaseStorage):
    """Spares kopf the comparison of each event with the last one: no handler here asks for it."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:
        """Nothing of an object is compared."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept."""


def register(registry: kopf.OperatorRegistry, fleet: Fleet, watch_seconds: float) -> None:
    """Register all handlers.

    Args:
        registry: of kopf.
        fleet: gets what happens to Previews; its pulse beats when the watch is opened or brings something.
        watch_seconds: how long one watch lasts.
    """

    async def login(**kwargs: Any) -> kopf.AiohttpSession | None:
        found = kopf.login_with_service_account(**kwargs) or kopf.login_via_client(**kwargs)
        return None if found is None else _felt(found, fleet.pulse)

    async def started(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.watching.server_timeout = watch_seconds
        settings.persistence.diffbase_storage = NoDiffs()

    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        fleet.pulse.beat()
        fleet.see(event["type"], event["object"])

    kopf.on.login(registry=registry)(login)
    kopf.on.startup(registry=registry)(started)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(seen)


def _felt(info: kopf.ConnectionInfo, pulse: Pulse) -> kopf.AiohttpSession:
    """The session that kopf would make of a login by itself, but that each watch which the API server takes is
    felt by the pulse.
    """

    async def answered(
        session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        if params.response.ok and "watch" in params.url.query:
            pulse.beat()

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(answered)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        proxy=info.proxy_url,
        trust_env=info.trust_env,
        trace_configs=[trace],
    )
    return kopf.AiohttpSession(
        server=info.server,
        default_namespace=info.default_namespace,
        expiration=info.expiration,
        aiohttp_session=session,
    )


async def watch(fleet: Fleet, namespace: str, watch_seconds: float = WATCH_SECONDS) -> None:
    """Hand all Previews (of one namespace, or of all) to the fleet until SIGTERM or SIGINT.

    Args:
        fleet: gets them; its pulse beats as long as the watch lives.
        namespace: whose Previews; empty for all.
        watch_seconds: how long one watch lasts before it is opened again.
    """
    registry = kopf.OperatorRegistry()
    register(registry, fleet, watch_seconds)
    # Not kopf.operator(): in the end it waits 5 s for every task of this loop, the fleet's too.
    tasks = await kopf.spawn_tasks(
        registry=registry,
        standalone=True,
        clusterwide=not namespace,
        namespaces=[namespace] if namespace else [],
    )
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()
