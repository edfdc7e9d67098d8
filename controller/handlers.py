"""Handlers: the only module that knows kopf. Each hands the newest body to the fleet and returns at once.

Raw events (`on.event`) and no change handlers: the worker is level-triggered and keeps its own finalizer, so kopf's diffs, progress and
queueing would only add writes, and would keep an annotation such as `abandon` waiting behind a deletion that is being retried.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import kopf

from controller.api.names import GROUP
from controller.fleet import Fleet

VERSION = "v1alpha1"
PLURAL = "previews"
OpenFleet = Callable[[], AbstractAsyncContextManager[Fleet]]


def register(registry: kopf.OperatorRegistry, open_fleet: OpenFleet) -> None:
    """Register all handlers; the fleet is opened when kopf starts, and closed when it stops."""
    stack = AsyncExitStack()
    fleets: list[Fleet] = []

    async def started(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.scanning.disabled = True
        fleets.append(await stack.enter_async_context(open_fleet()))

    async def stopped(**_: Any) -> None:
        await stack.aclose()

    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        fleets[0].see(event["type"], event["object"])

    kopf.on.startup(registry=registry)(started)
    kopf.on.cleanup(registry=registry)(stopped)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(seen)


async def run(open_fleet: OpenFleet, namespace: str) -> None:
    """Watch Previews until the process is told to end (SIGTERM, SIGINT)."""
    registry = kopf.OperatorRegistry()
    register(registry, open_fleet)
    await kopf.operator(
        registry=registry,
        standalone=True,
        clusterwide=not namespace,
        namespaces=[namespace] if namespace else [],
    )
