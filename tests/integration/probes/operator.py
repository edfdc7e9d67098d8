"""`python -m tests.integration.probes.operator PORT NAMESPACE`: the operator's watch and its probes, with
short times and without previews' work; POST /block holds its loop for some seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from typing import cast

from aiohttp import web

from controller.assembly_vitals import Vitals
from controller.clock import WallClock
from controller.cluster.kubernetes import KubernetesCluster
from controller.cluster.protocol import Body
from controller.fleet import Fleet
from controller.handlers import watch
from controller.health import Health
from controller.probes import Liveness, Pulse
from controller.routing.serve import listening

WATCH_SECONDS, SILENT_SECONDS = 1, 5.0
BLOCK_SECONDS = 4.0


class Watcher:
    """Stands for a fleet: what happens to Previews is nobody's business here."""

    def __init__(self, pulse: Pulse) -> None:
        self.pulse = pulse

    def see(self, kind: str | None, body: Body) -> None:
        """Take an event."""

    async def lists_previews(self) -> bool:
        """Whether the watch may begin anew."""
        return True


async def block(request: web.Request) -> web.Response:
    time.sleep(BLOCK_SECONDS)  # noqa: ASYNC251 - that is what it is for
    return web.Response()


async def main(port: str, namespace: str) -> None:
    clock = WallClock()
    cluster = await KubernetesCluster.connect(namespace)
    vitals = Vitals.of(cluster, Health(clock), clock)
    vitals = replace(vitals, liveness=Liveness(vitals.pulse, cluster.check, SILENT_SECONDS))
    app = vitals.probed(web.Application())
    app.router.add_post("/block", block)
    async with listening(app, f"127.0.0.1:{port}"):
        await watch(cast("Fleet", Watcher(vitals.pulse)), namespace, WATCH_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
