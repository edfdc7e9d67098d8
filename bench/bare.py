"""The other side of `thousand`: the least that an operator on kopf does to make 1,000 Previews ready.

A finalizer, which kopf sets for every resource with a timer, and one status patch from that timer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import kopf

GROUP, VERSION, PLURAL = "previewcloud.io", "v1alpha1", "previews"
INTERVAL_SECONDS = 3600.0
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Serving",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


@kopf.on.startup()
async def started(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Leave out what would only make it slower: an Event for each handler, a look for new resources."""
    settings.posting.enabled = False
    settings.scanning.disabled = True


@kopf.timer(GROUP, VERSION, PLURAL, interval=INTERVAL_SECONDS)
async def patched(patch: kopf.Patch, status: kopf.Status, **_: Any) -> None:
    """Make it ready, once."""
    if status.get("phase") != "Running":
        patch.status["phase"] = "Running"
        patch.status["conditions"] = [READY]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(kopf.operator(standalone=True, clusterwide=True))
