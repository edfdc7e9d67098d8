"""Handlers: the only module that knows kopf. The one handler hands the newest body to the fleet at once.

Raw events (`on.event`) and no change handlers: the worker is level-triggered and keeps its own finalizer,
so kopf's diffs, progress and queueing would only add writes, and would keep an annotation such as `abandon`
waiting behind a deletion that is being retried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import kopf

from controller.api.names import GROUP
from controller.fleet import Fleet

VERSION = "v1alpha1"
PLURAL = "previews"


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


def register(registry: kopf.OperatorRegistry, fleet: Fleet) -> None:
    """Register all handlers."""

    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_via_client(**kwargs)

    async def started(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.persistence.diffbase_storage = NoDiffs()

    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        fleet.see(event["type"], event["object"])

    kopf.on.login(registry=registry)(login)
    kopf.on.startup(registry=registry)(started)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(seen)


async def watch(fleet: Fleet, namespace: str) -> None:
    """Hand all Previews (of one namespace, or of all) to the fleet until SIGTERM or SIGINT."""
    registry = kopf.OperatorRegistry()
    register(registry, fleet)
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
