"""Handlers: the only module that knows kopf. The one handler hands the newest body to the fleet at once.

Raw events (`on.event`) and no change handlers: the worker is level-triggered and keeps its own finalizer,
so kopf's diffs, progress and queueing would only add writes, and would keep an annotation such as `abandon`
waiting behind a deletion that is being retried.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import aiohttp
import kopf
import structlog

from controller.api.names import GROUP
from controller.fleet import Fleet
from controller.probes import Pulse

log = structlog.get_logger()

VERSION = "v1alpha1"
PLURAL = "previews"
WATCH_SECONDS = 60.0
"""The API server ends each watch after this long, and it is opened again: a sign that it lives."""
AGAIN_SECONDS = 3.0
ENDS = (signal.SIGTERM, signal.SIGINT)


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
        settings.watching.server_timeout = round(watch_seconds)  # the API server takes whole seconds alone
        settings.persistence.diffbase_storage = NoDiffs()

    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        fleet.pulse.beat()
        fleet.see(event["type"], event["object"])

    kopf.on.login(registry=registry)(login)
    kopf.on.startup(registry=registry)(started)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(seen)


def _felt(info: kopf.ConnectionInfo, pulse: Pulse) -> kopf.AiohttpSession:
    """The session that kopf would make of a login by itself, with a pulse: it beats at each watch that the
    API server takes.
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

    Where kopf gives up, because an API server that lost everything does not know Previews, say, it begins
    anew once they can be listed again; what runs goes on meanwhile.

    Args:
        fleet: gets them; its pulse beats as long as the watch lives.
        namespace: whose Previews; empty for all.
        watch_seconds: how long one watch lasts before it is opened again.
    """
    while True:
        try:
            await _watch(fleet, namespace, watch_seconds)
        except Exception as error:
            log.warning("the watch of Previews broke; it is opened again", error=str(error))
        else:
            return
        while True:
            if await _told_to_end(AGAIN_SECONDS):
                return
            if await fleet.lists_previews():
                break


async def _told_to_end(seconds: float) -> bool:
    """Wait, and tell whether a signal to end came meanwhile, which kopf hears otherwise."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in ENDS:
        loop.add_signal_handler(number, told.set)
    try:
        async with asyncio.timeout(seconds):
            await told.wait()
    except TimeoutError:
        return False
    return True


async def _watch(fleet: Fleet, namespace: str, watch_seconds: float) -> None:
    """One run of kopf, until it is told to end, or gives up and raises."""
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
