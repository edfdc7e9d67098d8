"""`wake`: a sleeping preview, from a visitor's request to the application's own 200, against `docker start`.

GET ──▶ Traefik ──▶ bridge: wish, hold ──▶ operator: start, wait ──▶ bridge: forward ──▶ 200
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp

from bench.errors import BenchFailed
from bench.figures import Aim, Amount, Line, Pair, Ratio
from bench.kubernetes import Object
from bench.log_bridge import free_port
from bench.operator import operator, process, remove_all
from bench.previews import host, preview
from bench.tools import service_image
from bench.world import World, timed, until

NAMESPACE = "bench-wake"
NUMBER = 1
PAIRS = 9
AIM = Aim(0.3, unit=" s")
HOLD_SECONDS = 60.0


async def wake(world: World) -> list[Line]:
    """How much longer it takes than starting the container by hand."""
    image = await service_image(world)
    await world.kubernetes.namespace(NAMESPACE)
    bridge = {"GITHUB_TOKEN": "", "OPERATOR_URL": "", "BRIDGE_LISTEN": f"127.0.0.1:{free_port()}"}
    pairs = []
    async with (
        operator(world, image, {}),
        process(world, "bridge", (sys.executable, "-m", "webhook"), bridge),
        _container(world, image) as plain,
    ):
        await world.until_answers(f"http://{bridge['BRIDGE_LISTEN']}/readyz")
        await world.kubernetes.create(preview(NAMESPACE, NUMBER, {"web": image}))
        await world.until_answers(world["TRAEFIK_HTTP_URL"], _host(world))
        for _ in range(PAIRS):
            pairs.append(Pair(await _woken(world), await plain.started(world)))
            world.progress.say(f"        {pairs[-1].ours:.2f} s against {pairs[-1].theirs:.2f} s")
        await remove_all(world, NAMESPACE)
    beyond = tuple(pair.ours - pair.theirs for pair in pairs)
    return [
        Amount("wake to first 200, beyond docker start to first 200", beyond, AIM, " s"),
        Ratio("the same as a ratio", "wake", "docker start", tuple(pairs), None),
    ]


def _host(world: World) -> str:
    return host(NUMBER, "web", world["PREVIEW_DOMAIN"])


async def _woken(world: World) -> float:
    """Put it to sleep, then ask once: the answer is the application's own."""
    wish = f"previewcloud.io/sleep={datetime.now(UTC).isoformat()}"
    name = f"preview/bench-{NUMBER}"
    await world.run("kubectl", "annotate", "--overwrite", "--namespace", NAMESPACE, name, wish)

    async def asleep() -> bool:
        previews, _ = await world.kubernetes.previews(NAMESPACE)
        return all(map(_asleep, previews))

    await until(asleep, 60, "the preview sleeps")
    return await timed(_one_request(world))


def _asleep(found: Object) -> bool:
    """It sleeps, and nothing is being done about it any more: its phase is written before it is so."""
    status = found.get("status", {})
    working = (c["status"] for c in status.get("conditions", []) if c["type"] == "Reconciling")
    return status.get("phase") == "Sleeping" and next(working, "") == "False"


async def _one_request(world: World) -> None:
    timeout = aiohttp.ClientTimeout(total=HOLD_SECONDS)
    async with world.http.get(
        world["TRAEFIK_HTTP_URL"], headers={"Host": _host(world)}, timeout=timeout
    ) as response:
        if response.status != 200:
            raise BenchFailed(f"a held request was answered {response.status}: {await response.text()}")


class _Plain:
    """A container of the same image, by hand."""

    def __init__(self, name: str, port: int) -> None:
        self._name = name
        self._url = f"http://127.0.0.1:{port}"

    async def started(self, world: World) -> float:
        """Stop it, then time the command and the first 200."""
        await world.run("docker", "stop", "--time", "1", self._name)
        return await timed(self._start(world))

    async def _start(self, world: World) -> None:
        await world.run("docker", "start", self._name)
        await world.until_answers(self._url)


@asynccontextmanager
async def _container(world: World, image: str) -> AsyncIterator[_Plain]:
    name, port = f"bench-wake-{uuid.uuid4().hex[:8]}", free_port()
    await world.run("docker", "run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:8080", image)
    try:
        plain = _Plain(name, port)
        await world.until_answers(f"http://127.0.0.1:{port}")
        yield plain
    finally:
        await world.run("docker", "rm", "--force", "--volumes", name)
